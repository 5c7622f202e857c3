"""Streams: what one relayed event costs."""

import statistics

import messages

STREAMS = 32
EVENTS, PAUSE_US = 200, 5000


def per_event(samples):
    return statistics.median(s["cpu_us_per_event"] for s in samples)


def streams(bench, stage):
    """sse: each event comes alone, every 5 ms in each of the streams; burst: as fast as they are taken."""
    responder = bench.world.responder("responder-streams", ["--events", EVENTS, "--pause-us", PAUSE_US])
    nginx = bench.world.nginx(responder, "nginx-streams")
    gateway = bench.world.gateway({"t": f"http://127.0.0.1:{responder.port}/mcp"}, "gateway-streams")
    for tool, what in (("sse", "each event alone"), ("burst", "events back to back")):
        targets = [
            stage.target(f"nginx, {what}", nginx, stage.file(f"{tool}-nginx", messages.legacy_call(f"t_{tool}", stage.token, progress=True, path="/stream"))),
            stage.target(f"gateway, {what}", gateway, stage.file(tool, messages.legacy_call(f"t_{tool}", stage.token, progress=True))),
        ]
        samples = bench.interleaved(targets, connections=STREAMS, seconds=max(bench.seconds, 2), warmup=1.2)
        nginx_us, gateway_us = (per_event(samples[t.name]) for t in targets)
        bench.note(f"streams-{tool}", f"SSE, {STREAMS} streams, {what}: {gateway_us:.1f} us CPU per event in the gateway, {nginx_us:.1f} us in nginx.")
        bench.figure("sse_us" if tool == "sse" else "sse_burst_us", gateway_us)
        bench.figure(f"nginx_{tool}_us", nginx_us)
    for process in (gateway, nginx, responder):
        bench.world.stop(process)
