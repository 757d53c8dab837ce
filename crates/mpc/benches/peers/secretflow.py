"""Figures of SecretFlow SPU on the works that our own benches measure.

Why it exists: `cargo xtask bench peers` prints both sides of one run. One JSON line
a work, with the keys of our benches: CPU seconds of all parties, wall seconds, bytes
an item, peak memory.

    secretflow.py psi rr22|rr22-low LOG2_ITEMS FOLDER    two processes, CSV to CSV
    secretflow.py aby3 mul|compare|sort ROWS             three parties, threads of a process

Parties talk over loopback through relays that count bytes (of both directions, the
transport's framing included) in a process of their own, whose time is not counted.
Making CSV files, compiling programs and sharing inputs are not measured.
"""

import hashlib
import json
import multiprocessing
import os
import resource
import socket
import sys
import threading
import time


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def pump(source, sink, counted):
    """Copies until the end, counting."""
    try:
        while data := source.recv(1 << 16):
            with counted.get_lock():
                counted.value += len(data)
            sink.sendall(data)
    except OSError:
        pass
    finally:
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def accept(listener, to, counted):
    while True:
        near, _ = listener.accept()
        while True:
            try:
                far = socket.create_connection(("127.0.0.1", to))
                break
            except OSError:
                time.sleep(0.05)
        for pair in ((near, far), (far, near)):
            threading.Thread(target=pump, args=(*pair, counted), daemon=True).start()


def relays(routes, ready, counted):
    """A process that listens on each first port and forwards to the second."""
    for near, to in routes:
        listener = socket.create_server(("127.0.0.1", near))
        threading.Thread(target=accept, args=(listener, to, counted), daemon=True).start()
    ready.set()
    threading.Event().wait()


class Links:
    """Addresses of parties, each party's view of the others through relays."""

    def __init__(self, parties):
        self.parties = parties
        self.own = free_ports(parties)
        pairs = [(a, b) for a in range(parties) for b in range(parties) if a != b]
        self.relay = dict(zip(pairs, free_ports(len(pairs))))
        context = multiprocessing.get_context("spawn")
        self.counted = context.Value("Q", 0)
        ready = context.Event()
        routes = [(self.relay[a, b], self.own[b]) for a, b in pairs]
        self.process = context.Process(
            target=relays, args=(routes, ready, self.counted), daemon=True
        )
        self.process.start()
        ready.wait()

    def addresses(self, me):
        """As party `me` is to be told."""
        ports = [
            self.own[me] if other == me else self.relay[me, other]
            for other in range(self.parties)
        ]
        return [f"127.0.0.1:{port}" for port in ports]

    def close(self):
        self.process.kill()
        return self.counted.value


def connect(me, addresses):
    import spu

    desc = spu.link.Desc()
    desc.recv_timeout_ms = 600_000
    for index, address in enumerate(addresses):
        desc.add_party(f"party_{index}", address)
    return spu.link.create_brpc(desc, me)


def cpu_s():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def reset_peak():
    try:
        with open("/proc/self/clear_refs", "w") as refs:
            refs.write("5")
    except OSError:
        pass


def peak_rss():
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def report(**figures):
    print(json.dumps(figures), flush=True)


def write_ids(path, first, count):
    with open(path, "w") as out:
        out.write("id\n")
        for number in range(first, first + count):
            out.write(hashlib.sha256(number.to_bytes(8, "little")).hexdigest()[:32] + "\n")


def psi_party(me, addresses, low, source, target, figures):
    from spu import psi

    link = connect(me, addresses)
    config = psi.PsiExecuteConfig(
        protocol_conf=psi.PsiProtocolConfig(
            protocol=psi.PsiProtocol.PROTOCOL_RR22,
            receiver_rank=0,
            broadcast_result=False,
            rr22_params=psi.Rr22Rarams(low_comm_mode=low),
        ),
        input_params=psi.InputParams(path=source, selected_keys=["id"], keys_unique=True),
        output_params=psi.OutputParams(path=target, disable_alignment=True),
    )
    link.barrier()
    reset_peak()
    cpu, wall = cpu_s(), time.monotonic()
    done = psi.psi_execute(config, link)
    figures.put(
        (me, cpu_s() - cpu, time.monotonic() - wall, peak_rss(), done.intersection_count)
    )
    link.stop_link()


def psi_bench(variant, log2_items, folder):
    items = 1 << log2_items
    files = [os.path.join(folder, f"ids_{log2_items}_{side}.csv") for side in (0, 1)]
    for side, path in enumerate(files):
        if not os.path.exists(path):
            write_ids(path, side * (items // 2), items)
    links = Links(2)
    context = multiprocessing.get_context("spawn")
    figures = context.Queue()
    low = variant == "rr22-low"
    parties = [
        context.Process(
            target=psi_party,
            args=(me, links.addresses(me), low, files[me], files[me] + ".out", figures),
        )
        for me in (0, 1)
    ]
    for party in parties:
        party.start()
    for party in parties:
        party.join()
    if any(party.exitcode for party in parties):
        raise SystemExit("a party of the peer failed")
    got = sorted(figures.get(timeout=60) for _ in parties)
    total = links.close()
    found = got[0][4]
    if found != items - items // 2:
        raise SystemExit(f"the peer found {found} items, not {items - items // 2}")
    report(
        bench=f"spu::psi/log2_items={log2_items}",
        protocol=variant,
        cpu_s=round(sum(one[1] for one in got), 3),
        wall_s=round(max(one[2] for one in got), 3),
        bytes_per_item=round(total / items, 2),
        peak_rss_bytes=sum(one[3] for one in got),
    )


def aby3_bench(work, rows):
    import numpy as np
    import jax.numpy as jnp
    import spu
    from spu.utils import frontend

    works = {
        "mul": lambda x, y: jnp.sum(x * y),
        "compare": lambda x, y: jnp.sum(x < y),
        "sort": lambda x, y: jnp.sort(x),
    }
    # As wide as ours: products of 20 bits, numbers of 61, keys of all 64.
    width = {"mul": 20, "compare": 61, "sort": 63}[work]
    rng = np.random.default_rng(1)
    plain = [rng.integers(0, 1 << width, rows, dtype=np.int64) for _ in range(2)]
    config = spu.RuntimeConfig(protocol=spu.ProtocolKind.ABY3, field=spu.FieldType.FM64)
    io = spu.Io(3, config)
    secret = spu.Visibility.VIS_SECRET
    shares = [io.make_shares(column, secret) for column in plain]
    executable, _ = frontend.compile(
        frontend.Kind.JAX, works[work], plain, {}, ["x", "y"], [secret] * 2,
        lambda out: [f"out{index}" for index in range(len(out))],
    )
    links = Links(3)
    start, outs, began = threading.Barrier(3), [None] * 3, {}

    def begin():
        reset_peak()
        began.update(cpu=cpu_s(), wall=time.monotonic(), bytes=links.counted.value)

    def party(me):
        link = connect(me, links.addresses(me))
        runtime = spu.Runtime(link, config)
        for name, column in zip(("x", "y"), shares):
            runtime.set_var(name, column[me])
        link.barrier()
        if start.wait() == 0:
            begin()
        start.wait()
        runtime.run(executable)
        outs[me] = runtime.get_var("out0")
        start.wait()

    threads = [threading.Thread(target=party, args=(me,)) for me in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cpu, wall, peak = cpu_s() - began["cpu"], time.monotonic() - began["wall"], peak_rss()
    total = links.close() - began["bytes"]
    found = io.reconstruct(outs)
    due = {
        "mul": lambda: np.sum(plain[0] * plain[1]),
        "compare": lambda: np.sum(plain[0] < plain[1]),
        "sort": lambda: np.sort(plain[0]),
    }[work]()
    if not np.array_equal(found, due):
        raise SystemExit(f"the peer's answer to {work} is wrong")
    report(
        bench=f"spu::aby3/{work}/rows={rows}",
        security="semi-honest",
        cpu_s=round(cpu, 3),
        wall_s=round(wall, 3),
        us_per_row=round(cpu * 1e6 / rows, 3),
        bytes_per_row=round(total / rows, 1),
        peak_rss_bytes=peak,
    )
    # Links of parties in one process do not always come down.
    os._exit(0)


def main():
    match sys.argv[1:]:
        case ["psi", ("rr22" | "rr22-low") as variant, log2_items, folder]:
            psi_bench(variant, int(log2_items), folder)
        case ["aby3", ("mul" | "compare" | "sort") as work, rows]:
            aby3_bench(work, int(rows))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
