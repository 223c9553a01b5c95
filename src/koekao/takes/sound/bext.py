"""The time of day in a broadcast WAV: the ``TimeReference`` of its ``bext`` chunk.

Field recorders count samples since midnight, at the file's own rate, up to the first sample of the file: a 64-bit
number at byte 338 of the chunk, low half first. Source: EBU Tech 3285, "Specification of the Broadcast Wave Format",
version 2, section 2.3.

What it gives up: 0 is what programs write that know no time, so a recording that began at midnight to the sample has
no time of day here. A number of a day or more is noted and passed over; it says nothing of the sound.
"""

from __future__ import annotations

TIME_REFERENCE_BYTE = 338
_DAY_S = 86_400


def time_of_day(bodies: list[bytes], sample_rate: int, byte_order: str) -> tuple[float | None, tuple[str, ...]]:
    """Seconds since midnight at sample 0, None where no chunk says it, and a note where what it says is absurd.

    Args:
        bodies: the content of each ``bext`` chunk, or at least its first 346 bytes.
        sample_rate: Hz of the file.
        byte_order: ``"<"`` or ``">"``, as the file's.
    """
    if not bodies:
        return None, ()
    if len(bodies) > 1:
        return None, (f"{len(bodies)} bext chunks, so their time of day is not used",)
    reference = bodies[0][TIME_REFERENCE_BYTE : TIME_REFERENCE_BYTE + 8]
    if len(reference) < 8:
        return None, (f"a bext chunk of {len(bodies[0])} bytes, too short for a time of day",)
    low, high = (
        int.from_bytes(half, "little" if byte_order == "<" else "big") for half in (reference[:4], reference[4:])
    )
    samples = low + (high << 32)
    if not samples:
        return None, ("bext time reference 0 taken as not set",)
    if samples >= _DAY_S * sample_rate:
        return None, (f"bext time reference {samples} ignored, at {sample_rate} Hz it is a day or more",)
    return samples / sample_rate, ()
