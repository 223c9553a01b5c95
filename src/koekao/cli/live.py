"""``koekao live RUN --source mic --sink livelink``."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from koekao.cli.console import ERRORS, count, json_out, length, say, table, working
from koekao.cli.place import expect
from koekao.errors import ConfigError

if TYPE_CHECKING:
    from koekao.clock import Clock
    from koekao.live.performance import Performance
    from koekao.live.show import Shown
    from koekao.live.sources import Source
    from koekao.wire import Sink

_SELF_TEST_S = 5.0


def live(
    run: Path | None = None,
    /,
    *,
    source: Annotated[str, Parameter(allow_leading_hyphen=True)] = "mic",
    sink: Annotated[tuple[str, ...], Parameter(consume_multiple=False, negative=())] = (),
    self_test: bool = False,
    controls: str | None = None,
    fps: str | None = None,
    buffer_ms: float = 0.0,
    fast: bool = False,
    seconds: float | None = None,
    subject: str = "koekao",
    rate: int = 16000,
    sample_type: str = "s16",
    channels: int = 1,
    seed: int = 0,
    json: bool = False,
) -> int | None:
    """Drive a face while you speak: sound in, frames out at once.

    It goes on until the sound ends or Ctrl-C. The time of a frame is that of the sound, counted in samples. A stall
    holds the face; what comes late catches up in order, and all that was late, held or dropped is counted and told at
    the end.

    Args:
        run: a run made by koekao train, or a model.onnx made by koekao export.
        source: mic (or mic:NAME), a sound file (heard as fast as it was spoken), - (raw samples on standard input), or
            ws (or ws:HOST:PORT: a program or a browser sends them).
        sink: where frames go; may stand several times. livelink, vmc, ifacialmocap:HOST, ws (each may be followed by
            :HOST:PORT; this machine if not), file:OUT (.csv, .jsonl, .glb ...), print.
        self_test: speak to receivers of every network format on this machine and tell what arrived.
        controls: the animator's controls: a YAML file, or a preset (natural, subtle, expressive, crisp_lips).
        fps: frames a second that go out; the model's if not said.
        buffer_ms: show frames evenly, this much later, where sound comes in heaps.
        fast: a file as fast as it can be made, not as it was spoken.
        seconds: end after so much sound.
        subject: the face's name where a format has one.
        rate: Hz of raw samples, and to ask a microphone for.
        sample_type: of raw samples, s16 or f32.
        channels: of raw samples, interleaved; they are mixed.
        seed: of the blinks and small motions that controls add.
        json: print what came of it as JSON.

    Examples:
        koekao live --self-test
        koekao live run --source mic --sink livelink
        koekao live run --source speech.wav --sink file:face.csv --sink vmc
    """
    if seconds is not None and not seconds > 0:
        raise ConfigError(f"--seconds {seconds}", expected="a number above 0")
    if self_test:
        return _self_test(run, controls=controls, fps=fps, seed=seed, seconds=seconds, subject=subject, json=json)
    if run is None:
        raise ConfigError("no run to animate with", expected="koekao live RUN", do="train one, or try --self-test")
    if not sink:
        raise ConfigError("nowhere to send frames to", expected="--sink, such as livelink, file:face.csv or print")
    from koekao.api.faces import performances
    from koekao.interrupt import on_interrupt
    from koekao.live.show import show, show_at_once
    from koekao.wire import open_sink

    expect("run", run, "train one on it: koekao train CORPUS RUN")
    with ExitStack() as stack:
        face = performances(run, controls=controls, fps=fps, seed=seed)
        hear = _source(source, face.engine.clock, rate, sample_type, channels)
        stack.callback(hear.stop)
        blocks = getattr(hear, "blocks", None)
        if fast and blocks is None:
            raise ConfigError(f"--fast with {source}", expected="a sound file or -")
        performance = face.at(hear.sample_rate)
        sinks = [stack.enter_context(open_sink(each, fps=performance.fps, subject=subject)) for each in sink]
        if not json:
            _say_hello(performance, hear, sinks)
        stopped = threading.Event()
        with on_interrupt(stopped.set), _watched(hear.title) as tell:
            if fast and blocks is not None:
                shown = show_at_once(performance, blocks(), sinks)
            else:
                shown = show(
                    performance,
                    hear,
                    sinks,
                    buffer_s=buffer_ms / 1000,
                    seconds=seconds,
                    stopped=stopped,
                    on_progress=tell,
                )
    if json:
        json_out(_as_dict(performance, shown, hear, sinks))
    else:
        _say_goodbye(shown, hear, sinks)
    return None


def _source(word: str, clock: Clock, rate: int, sample_type: str, channels: int) -> Source:
    from koekao.live.sources import FileSource, MicrophoneSource, PipeSource

    kind, _, rest = word.partition(":")
    if kind == "ws":
        from koekao.serve import ServeConfig, WebSocketSource
        from koekao.wire.address import parse_address

        address = parse_address(rest, ServeConfig.port, word)
        token = os.environ.get("KOEKAO_TOKEN", "")
        return WebSocketSource(clock, ServeConfig(host=address.host, port=address.port, token=token))
    if kind == "mic":
        return MicrophoneSource(int(rest) if rest.isdecimal() else rest or None, sample_rate=rate)
    if word == "-":
        return PipeSource(sample_rate=rate, sample_type=sample_type, channels=channels)
    return FileSource(word)


def _say_hello(performance: Performance, source: Source, sinks: Sequence[Sink]) -> None:
    say(f"from {source.title} at {source.sample_rate} Hz", to=ERRORS)
    for sink in sinks:
        say(f"to {sink.describe()}", to=ERRORS)
    ms = 1000 * float(performance.latency_s)
    say(f"{performance.fps} frames a second, each {ms:.0f} ms after its moment; Ctrl-C ends", to=ERRORS)


@contextmanager
def _watched(title: str) -> Iterator[Callable[[Shown], None]]:
    """A line that changes, where somebody watches."""
    with working(f"listening to {title}") as tell:
        yield lambda shown: tell(
            f"{title}: {length(float(shown.heard_s))}, {_counted(shown)}, {shown.wait.quantile(0.5):.1f} ms a frame"
        )


def _counted(shown: Shown) -> str:
    counts = shown.counts
    return f"{count(counts.shown, 'frame')} shown, {counts.late} late, {counts.held} held, {counts.dropped} dropped"


def _say_goodbye(shown: Shown, source: Source, sinks: Sequence[Sink]) -> None:
    say(f"{length(float(shown.heard_s))} of {source.title}: {_counted(shown)}")
    if len(shown.wait):
        half, most = shown.wait.quantile(0.5), shown.wait.quantile(0.99)
        say(f"from the last sample of a frame to its packet: {half:.1f} ms, 99 % within {most:.1f} ms")
    if shown.forgotten_s:
        say(f"{shown.forgotten_s:.2f} s of sound came faster than it was taken: silence stands in its place")
    if overflows := getattr(source, "overflows", 0):
        say(f"the device lost sound {overflows} times before it came here")
    for sink in sinks:
        counts = sink.counts
        rest = f", {counts.dropped} dropped, {counts.failed} failed" if counts.dropped or counts.failed else ""
        say(f"{sink.describe()}: {counts.sent} sent{rest}")


def _as_dict(performance: Performance, shown: Shown, source: Source, sinks: Sequence[Sink]) -> dict[str, Any]:
    waits = {f"wait_p{100 * q:.0f}_ms": shown.wait.quantile(q) for q in (0.5, 0.99)} if len(shown.wait) else {}
    return {
        "source": source.title,
        "heard_s": float(shown.heard_s),
        "forgotten_s": shown.forgotten_s,
        "fps": str(performance.fps),
        "latency_s": float(performance.latency_s),
        "frames": shown.frames,
        **asdict(shown.counts),
        **waits,
        "sinks": [{"sink": sink.describe(), **asdict(sink.counts)} for sink in sinks],
    }


def _self_test(
    run: Path | None,
    *,
    controls: str | None,
    fps: str | None,
    seed: int,
    seconds: float | None,
    subject: str,
    json: bool,
) -> int:
    """0 where every frame arrived once, in order and as it was sent; else 1."""
    from koekao.api.faces import performances
    from koekao.live.self_test import self_test
    from koekao.live.sources import SpokenSource
    from koekao.takes.synthetic.making import make_take
    from koekao.takes.take import as_float

    take = make_take(seed, seconds=seconds or _SELF_TEST_S)
    source = SpokenSource(as_float(take.audio), take.sample_rate, "synthetic speech")
    with working("speaking to receivers on this machine"):
        performance = performances(run, controls=controls, fps=fps, seed=seed).at(take.sample_rate)
        shown, accounts = self_test(performance, source, subject=subject)
    well = all(a.frames == a.sent and not (a.duplicates or a.out_of_order or a.unknown) for a in accounts)
    if json:
        json_out(
            {"well": well, "frames": shown.frames, **asdict(shown.counts), "accounts": [asdict(a) for a in accounts]}
        )
        return 0 if well else 1
    table(
        f"{length(float(shown.heard_s))} of synthetic speech, {count(shown.frames, 'frame')} at {performance.fps} fps",
        ("format", "sent", "lost", "twice", "disordered", "jitter ms", "ms", "99 % ms", "error"),
        [
            (
                a.sink,
                a.sent,
                a.lost,
                a.duplicates,
                a.out_of_order,
                f"{a.jitter_ms:.2f}",
                f"{a.latency_p50_ms:.2f}",
                f"{a.latency_p99_ms:.2f}",
                f"{a.value_error:.1g}",
            )
            for a in accounts
        ],
    )
    say(_counted(shown))
    if run is None:
        say("the face was that of an untrained model: this tests the way, not the face")
    say("all is well" if well else "not all is well: is this machine busy, or a firewall in the way of loopback?")
    return 0 if well else 1
