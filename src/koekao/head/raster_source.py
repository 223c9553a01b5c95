"""What the renderer does for every triangle and every pixel, to be compiled; called by :mod:`koekao.head.render`.

Arguments named in the plural are addresses of arrays, the others counts; the layouts stand at each function. Samples
are four a pixel, on a grid of twice the width and the height.
"""

# mypy: disable-error-code="no-any-return"
from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import carray  # type: ignore[attr-defined]

from koekao.machine import in_machine_code, pointer

_HALF, _NONE, _ONE = np.float32(0.5), np.float32(0), np.float32(1)


@in_machine_code
def fill(corners: int, triangles: int, n_triangles: int, width: int, height: int, depths: int, faces: int) -> int:
    """The nearest triangle of every sample.

    ``corners`` float32 ``[V, 3]``: column, row and 1/distance; ``triangles`` int32 ``[F, 3]``; ``depths`` float32
    ``[height, width]`` of 1/distance, 0 where nothing is; ``faces`` int32 ``[height, width]``, -1 where nothing is.
    A triangle that shows its back, or reaches behind the camera (1/distance <= 0), is left out.
    """
    triangle = carray(pointer(triangles), (n_triangles, 3), np.int32)
    depth = carray(pointer(depths), (height, width), np.float32)
    face = carray(pointer(faces), (height, width), np.int32)
    for row in range(height):
        for column in range(width):
            depth[row, column] = _NONE
            face[row, column] = np.int32(-1)
    for f in range(n_triangles):
        a = carray(pointer(corners + 12 * triangle[f, 0]), 3, np.float32)
        b = carray(pointer(corners + 12 * triangle[f, 1]), 3, np.float32)
        c = carray(pointer(corners + 12 * triangle[f, 2]), 3, np.float32)
        area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        if area >= np.float32(-1e-6) or a[2] <= 0 or b[2] <= 0 or c[2] <= 0:  # rows run down: the front is negative
            continue
        left = int(min(max(min(a[0], b[0], c[0]) + _HALF, _NONE), np.float32(width)))
        right = int(min(max(max(a[0], b[0], c[0]) + _HALF, _NONE), np.float32(width))) - 1
        top = int(min(max(min(a[1], b[1], c[1]) + _HALF, _NONE), np.float32(height)))
        bottom = int(min(max(max(a[1], b[1], c[1]) + _HALF, _NONE), np.float32(height))) - 1
        over = _ONE / area
        b_step = (c[1] - a[1]) * over
        c_step = -(b[1] - a[1]) * over
        near_step = b_step * (b[2] - a[2]) + c_step * (c[2] - a[2])
        for row in range(top, bottom + 1):
            x = np.float32(left) + _HALF - a[0]
            y = np.float32(row) + _HALF - a[1]
            of_b = x * b_step - y * (c[0] - a[0]) * over
            of_c = x * c_step + y * (b[0] - a[0]) * over
            near = a[2] + of_b * (b[2] - a[2]) + of_c * (c[2] - a[2])
            for column in range(left, right + 1):
                if of_b >= 0 and of_c >= 0 and of_b + of_c <= 1 and near > depth[row, column]:
                    depth[row, column] = near
                    face[row, column] = np.int32(f)
                of_b += b_step
                of_c += c_step
                near += near_step
    return 0


@in_machine_code
def shade(
    corners: int, vertices: int, triangles: int, materials: int, finishes: int, lights: int, n_lights: int,
    width: int, height: int, depths: int, faces: int, distances: int, reach: int, tones: int, pixels: int,
) -> int:  # fmt: skip
    """Colour of every pixel from its four samples; ``width`` and ``height`` count pixels.

    ``vertices`` float32 ``[V, 9]``: normal, tint and direction to the eye, in the camera's frame; ``materials`` int32
    ``[F]``; ``finishes`` float32 ``[M, 6]``: strength of the gloss, how often it is squared, how far light creeps round
    (0..1), colour (linear light); ``lights`` float32 ``[2 * n_lights + 4, 3]``: direction and colour of each, light
    from above, light from below, background, (depth of a crevice in metres, 0, 0); ``distances`` float32
    ``[height, width]`` is room to work in; ``reach``: how many pixels a crevice shades; ``tones`` uint8 ``[4096]``:
    light of 0..2 as sRGB; ``pixels`` uint8 ``[height, width, 3]``.
    """
    depth = carray(pointer(depths), (2 * height, 2 * width), np.float32)
    face = carray(pointer(faces), (2 * height, 2 * width), np.int32)
    light = carray(pointer(lights), (2 * n_lights + 4, 3), np.float32)
    pixel = carray(pointer(pixels), (height, width, 3), np.uint8)
    distance = carray(pointer(distances), (height, width), np.float32)
    for row in range(height):
        for column in range(width):
            near = max(depth[2 * row, 2 * column], depth[2 * row + 1, 2 * column + 1])
            distance[row, column] = _ONE / near if near > 0 else np.float32(1e6)
    deep = light[2 * n_lights + 3, 0]
    tone = carray(pointer(tones), 4096, np.uint8)
    back = 2 * n_lights + 2
    for row in range(height):
        for column in range(width):
            red = green = blue = _NONE
            dark = np.float32(-1)
            done = 0
            while done < 4:  # samples of one triangle are lit once
                f = face[2 * row + done // 2, 2 * column + done % 2]
                count = 1
                while done + count < 4 and face[2 * row + (done + count) // 2, 2 * column + (done + count) % 2] == f:
                    count += 1
                share = np.float32(count)
                if f < 0:
                    red, green, blue = (
                        red + share * light[back, 0],
                        green + share * light[back, 1],
                        blue + share * light[back, 2],
                    )
                else:
                    x, y = np.float32(2 * column + 1), np.float32(2 * row + 1)
                    if count < 4:
                        x += np.float32(done % 2) - _HALF
                        y += np.float32(done // 2) - _HALF
                    if dark < 0:
                        dark = _openness(distances, height, width, row, column, reach, deep)
                    r, g, b, facing = _lit(corners, vertices, triangles, materials, finishes, lights, n_lights, f, x, y)
                    open_ = _ONE - (_ONE - dark) * facing
                    warm = share * open_ * (_HALF + _HALF * open_)
                    red, green, blue = red + share * open_ * r, green + warm * g, blue + warm * b
                done += count
            pixel[row, column, 0] = tone[_step(red)]
            pixel[row, column, 1] = tone[_step(green)]
            pixel[row, column, 2] = tone[_step(blue)]
    return 0


@in_machine_code
def _lit(
    corners: int, vertices: int, triangles: int, materials: int, finishes: int, lights: int, n_lights: int,
    f: int, x: float, y: float,
) -> Any:  # fmt: skip
    """Light that a triangle sends to the eye from one place of the picture."""
    corner = carray(pointer(triangles + 12 * f), 3, np.int32)
    a = carray(pointer(corners + 12 * corner[0]), 3, np.float32)
    b = carray(pointer(corners + 12 * corner[1]), 3, np.float32)
    c = carray(pointer(corners + 12 * corner[2]), 3, np.float32)
    over = _ONE / ((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))
    of_b = ((x - a[0]) * (c[1] - a[1]) - (y - a[1]) * (c[0] - a[0])) * over
    of_c = ((y - a[1]) * (b[0] - a[0]) - (x - a[0]) * (b[1] - a[1])) * over
    of_b = min(max(of_b, _NONE), _ONE)
    of_c = min(max(of_c, _NONE), _ONE)
    of_a = max(_ONE - of_b - of_c, _NONE)
    va = carray(pointer(vertices + 36 * corner[0]), 9, np.float32)
    vb = carray(pointer(vertices + 36 * corner[1]), 9, np.float32)
    vc = carray(pointer(vertices + 36 * corner[2]), 9, np.float32)
    nx = of_a * va[0] + of_b * vb[0] + of_c * vc[0]
    ny = of_a * va[1] + of_b * vb[1] + of_c * vc[1]
    nz = of_a * va[2] + of_b * vb[2] + of_c * vc[2]
    over = _ONE / math.sqrt(nx * nx + ny * ny + nz * nz + np.float32(1e-12))
    nx, ny, nz = nx * over, ny * over, nz * over
    ex = of_a * va[6] + of_b * vb[6] + of_c * vc[6]
    ey = of_a * va[7] + of_b * vb[7] + of_c * vc[7]
    ez = of_a * va[8] + of_b * vb[8] + of_c * vc[8]
    light = carray(pointer(lights), (2 * n_lights + 4, 3), np.float32)
    finish = carray(pointer(finishes + 24 * carray(pointer(materials + 4 * f), 1, np.int32)[0]), 6, np.float32)
    sky = _HALF + _HALF * ny
    above, below = 2 * n_lights, 2 * n_lights + 1
    red = light[below, 0] + sky * (light[above, 0] - light[below, 0])
    green = light[below, 1] + sky * (light[above, 1] - light[below, 1])
    blue = light[below, 2] + sky * (light[above, 2] - light[below, 2])
    gloss_red = gloss_green = gloss_blue = _NONE
    creep = finish[2]
    for i in range(n_lights):
        tx, ty, tz = light[2 * i, 0], light[2 * i, 1], light[2 * i, 2]
        red_i, green_i, blue_i = light[2 * i + 1, 0], light[2 * i + 1, 1], light[2 * i + 1, 2]
        facing = nx * tx + ny * ty + nz * tz
        strong = max(_NONE, (facing + creep) / (_ONE + creep))  # red creeps round farther than green and blue
        weak = max(_NONE, (facing + creep * np.float32(0.5)) / (_ONE + creep * np.float32(0.5)))
        red += strong * red_i
        green += weak * green_i
        blue += weak * blue_i
        if finish[0] > 0 and facing > 0:
            hx, hy, hz = tx + ex, ty + ey, tz + ez
            along = (nx * hx + ny * hy + nz * hz) / math.sqrt(hx * hx + hy * hy + hz * hz + np.float32(1e-12))
            if along > _HALF:
                for _ in range(int(finish[1])):
                    along = along * along
                shine = finish[0] * along * min(_ONE, np.float32(4) * facing)
                gloss_red += shine * red_i
                gloss_green += shine * green_i
                gloss_blue += shine * blue_i
    red = red * finish[3] * (of_a * va[3] + of_b * vb[3] + of_c * vc[3]) + gloss_red
    green = green * finish[4] * (of_a * va[4] + of_b * vb[4] + of_c * vc[4]) + gloss_green
    blue = blue * finish[5] * (of_a * va[5] + of_b * vb[5] + of_c * vc[5]) + gloss_blue
    facing = min(
        _ONE, max(_NONE, np.float32(2) * (nx * ex + ny * ey + nz * ez))
    )  # crevices are not told on the outline
    return np.float32(red), np.float32(green), np.float32(blue), np.float32(facing)


@in_machine_code
def _openness(distances: int, height: int, width: int, row: int, column: int, reach: int, deep: float) -> Any:
    """1 in the open, less in a crevice: how much farther away a pixel is than what lies on both its sides."""
    distance = carray(pointer(distances), (height, width), np.float32)
    here = distance[row, column]
    hidden = _NONE
    for ring in range(2):
        step = max(1, reach // 3) if ring == 0 else reach
        aside = max(1, (7 * step) // 10)
        far = deep * np.float32(step) / np.float32(reach)
        for pair in range(4):
            down = 0 if pair == 0 else step if pair == 1 else aside
            along = step if pair == 0 else 0 if pair == 1 else aside if pair == 2 else -aside
            r0, r1 = max(0, row - down), min(height - 1, row + down)
            c0, c1 = min(width - 1, max(0, column - along)), min(width - 1, max(0, column + along))
            one = min(max(here - distance[r0, c0], -far), far)
            other = min(max(here - distance[r1, c1], -far), far)
            hidden += max(_NONE, (one + other) / (far + far) - np.float32(0.24))
    return _ONE / (_ONE + np.float32(0.6) * hidden)


@in_machine_code
def _step(four: float) -> Any:
    """The step of the tone curve for the light of four samples."""
    return int(min(max(four * np.float32(0.25 * 2047.5), _NONE), np.float32(4095)))
