#!/usr/bin/env python3
"""The command-line tool, run as a user runs it: run.py PATH_TO_AGW_H248. Makes its own messages and captures."""
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

TOOL = sys.argv[1]
DIR = tempfile.mkdtemp()
failed = 0
passed = 0


def run(*args, stdin=b""):
    done = subprocess.run([TOOL, *args], input=stdin, capture_output=True, cwd=DIR)
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def check(what, condition, *shown):
    global failed, passed
    if condition:
        passed += 1
    else:
        failed += 1
        print("FAILED:", what, *shown, sep="\n  ")


def write(name, data):
    with open(os.path.join(DIR, name), "wb") as out:
        out.write(data if isinstance(data, bytes) else data.encode())


GOOD = "!/3 [10.0.0.2]:2944 T=1{C=${A=ip/1/access/${M{O{MO=SR}},E=1{g/cause}}}}"
FOREIGN = "MEGACO/2 <mgc>:2944\nTransaction = 2 { Context = 1 { Modify = aal2/3 { Media { LocalControl { vendor/thing = 1 } } } } }\n"
BAD = "!/3 mgc\nT=1{C=1{\n  MF=a{Nonsense}}}"
write("good", GOOD)
write("foreign", FOREIGN)
write("bad", BAD)

# check
code, out, err = run("check", "good", "foreign")
check("valid messages of any vendor are ok", code == 0 and out == "good: ok\nforeign: ok\n", code, out, err)
code, out, err = run("check", "good", "bad")
check("a bad one has its place and code", code == 1 and out.splitlines() == ["good: ok", "bad:3:8: error 444: expected a descriptor"], out)
code, out, err = run("check", "-", stdin=GOOD.encode())
check("standard input", code == 0 and out == "-: ok\n", out, err)
code, out, err = run("check", "--profile", "good", "foreign")
check("only --profile objects", code == 1 and "good: ok" in out and "refused 440 Unknown package: Transaction 2, Context 1, Modify aal2/3: vendor" in out, out)
code, out, err = run("check", "nosuch")
check("a missing file is told", code == 2 and "nosuch" in err, code, err)
check("no file is told", run("check")[0] == 2)

# what equipment sends besides the grammar: ok, told, and refused by --strict
SENT = {
    "a TerminationID that begins with a digit or holds '-' or '.'": b"!/1 mg T=1{C=1{A=11111111/00000000/00000000}}",
    "the name of a digit map begins with a digit or holds '-' or '.'": b"!/1 mg T=1{C=1{MF=a{DM=dial-plan.0}}}",
    "'*' or '#' in a digit map": b"!/1 mg T=1{C=1{MF=a{DM=d{(*|#x)}}}}",
    "'_' in a domain name": b"!/1 <mg_1.example> K{1}",
    "no white space beside the brackets of the message id": b"MEGACO/3 [192.0.2.7]Transaction=1{C=1{S=a}}",
    "a device name that begins with a digit or holds '-' or '.'": b"!/1 8mg K{1}",
    "a NUL behind the last transaction": b"!/2 mg P=1{C=1{S=a}}\r\n\0",
    "a range of acknowledgements that goes on at 1 behind the greatest TransactionID": b"!/2 mg K{4294967290-3}",
    "a ServiceChange without Reason": b"!/1 mg T=1{C=-{SC=ROOT{SV{MT=RS}}}}",
    "white space behind a Segment": b"!/3 mg SM=1/1\n",
}
for what, text in SENT.items():
    write("sent", text)
    code, out, err = run("check", "sent")
    line = re.fullmatch(r"sent: ok, not by the grammar: line (\d+) column (\d+): (.*)\n", out)
    check("read, and told: " + what, code == 0 and line is not None and line[3] == what, code, out, err)
    code, out, err = run("check", "--strict", "sent")
    told = "sent:%s:%s: not by the grammar: %s\n" % (line[1], line[2], what) if line else ""
    check("refused by --strict: " + what, code == 1 and out == told, code, out, err)
write("sent", b"!/2[192.0.2.7]T=1{C=1{S=1/a,AV=b}}")
code, out, err = run("check", "sent")
check("several in their order", code == 0 and out.count("; line 1 column ") == 2 and "brackets" in out.split(";")[0], out)
code, out, err = run("check", "--strict", "sent", "good")
check("--strict tells all of them, and takes what is by the grammar", code == 1 and len(out.splitlines()) == 4 and out.endswith("good: ok\n"), out)

# print
code, pretty, err = run("print", "--pretty", "foreign")
check("pretty", code == 0 and pretty.startswith("MEGACO/2 <mgc>:2944\nTransaction = 2 {\n Context = 1 {\n"), pretty)
code, compact, err = run("print", "--compact", "-", stdin=pretty.encode())
check("compact", compact == "!/2 <mgc>:2944 T=2{C=1{MF=aal2/3{M{O{vendor/thing=1}}}}}\n", compact)
code, text, err = run("print", "--json", "good")
parsed = json.loads(text)
command = parsed["transactions"][0]["request"]["actions"][0]["commands"][0]
check("json", parsed["version"] == 3 and command["command"] == "Add" and command["terminations"] == ["ip/1/access/$"], text)
code, out, err = run("print", "bad")
check("a bad one is not printed", code == 1 and out == "" and "bad:3:8: error 444" in err, out, err)
code, out, err = run("packages")
check("packages", code == 0 and "| `tcpbcc/EstBNC` | signal |" in out, out[:200])


# captures
def ip4(protocol, payload, src, dst):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0, bytes(src), bytes(dst))
    return b"\0" * 12 + b"\x08\x00" + head + payload


def udp(text, src, dst):
    return ip4(17, struct.pack("!HHHH", 2944, 2944, 8 + len(text), 0) + text, src, dst)


def tcp(data, sequence, src, dst, sport, dport, syn=False):
    return ip4(6, struct.pack("!HHIIBBHHH", sport, dport, sequence, 0, 0x50, 2 if syn else 16, 1000, 0, 0) + data, src, dst)


def tpkt(text):
    return struct.pack("!BBH", 3, 0, 4 + len(text)) + text


MGC, MG = (10, 0, 0, 2), (10, 0, 0, 1)
ask = GOOD.encode()
answer = b"!/3 [10.0.0.1]:2944 P=1{C=5{A=ip/1/access/1}}"
lonely = b"!/3 [10.0.0.1]:2944 T=9{C=5{N=ip/1/access/1{OE=1{g/cause{Generalcause=FT}}}}}"
stream = tpkt(b"!/3 [10.0.0.2]:2944 T=20{C=5{S=*}}") + tpkt(b"!/3 [10.0.0.2]:2944 T=21{C=-{AV=ROOT{AT{}}}}")
back = tpkt(b"!/3 [10.0.0.1]:2944 P=20{C=5{S=ip/1/access/1}}")
frames = [
    (0.0, udp(ask, MGC, MG)),
    (0.5, udp(ask, MGC, MG)),
    (0.6, udp(b"!/3 [10.0.0.1]:2944 PN=1{}", MG, MGC)),
    (0.7, udp(answer, MG, MGC)),
    (0.8, udp(b"\x80not a message", MG, MGC)),
    (1.0, udp(lonely, MG, MGC)),
    (2.0, tcp(b"", 99, MGC, MG, 5000, 2944, syn=True)),
    (2.1, tcp(stream[50:], 150, MGC, MG, 5000, 2944)),  # out of order
    (2.2, tcp(stream[:50], 100, MGC, MG, 5000, 2944)),
    (2.3, tcp(stream[:50], 100, MGC, MG, 5000, 2944)),  # sent again by TCP
    (2.4, tcp(b"", 199, MG, MGC, 2944, 5000, syn=True)),
    (2.5, tcp(back, 200, MG, MGC, 2944, 5000)),
]


def pcap(all_frames):
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for when, data in all_frames:
        out += struct.pack("<IIII", 1000 + int(when), round(when % 1 * 1e6), len(data), len(data)) + data
    return out


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def pcapng(all_frames):
    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    out += block(1, struct.pack("<HHI", 1, 0, 0) + struct.pack("<HHB3x", 9, 1, 9) + struct.pack("<HH", 0, 0))
    for when, data in all_frames:
        ticks = 1000 * 10**9 + round(when * 1e9)
        out += block(6, struct.pack("<IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data)) + data)
    return out


LADDER = """\
    0.000000  10.0.0.2:2944 -> 10.0.0.1:2944  Transaction 1 C $ Add ip/1/access/$   <= +700.000 ms Reply 1 C 5 Add ip/1/access/1
              <= +600.000 ms Pending
    0.500000  10.0.0.2:2944 -> 10.0.0.1:2944  Transaction 1 C $ Add ip/1/access/$   RETRANSMISSION of 0.000000
    1.000000  10.0.0.1:2944 -> 10.0.0.2:2944  Transaction 9 C 5 Notify ip/1/access/1 g/cause   <= UNANSWERED
    2.200000  10.0.0.2:5000 -> 10.0.0.1:2944  Transaction 20 C 5 Subtract *   <= +300.000 ms Reply 20 C 5 Subtract ip/1/access/1
    2.200000  10.0.0.2:5000 -> 10.0.0.1:2944  Transaction 21 C - AuditValue ROOT   <= UNANSWERED
"""
for name, made in (("trace.pcap", pcap(frames)), ("trace.pcapng", pcapng(frames))):
    write(name, made)
    code, out, err = run("--pcap", name)
    check("the ladder of " + name, code == 0 and out == LADDER, out, err)
code, out, err = run("check", "--pcap", "trace.pcap")
check("the messages of a capture are checked", code == 0 and out.count(": ok\n") == 8 and "trace.pcap#1: ok" in out, out)
for n in range(0, len(pcap(frames)), 7):
    write("cut", pcap(frames)[:n])
    code, out, err = run("--pcap", "cut")
    if code not in (0, 1, 2) or (err and not err.startswith("agw-h248: ")):
        check("a capture cut at %d" % n, False, code, out, err)

# other links: each kind of frame around the same request
def ip6(protocol, payload, extra=b""):
    src, dst = b"\x20\x01\x0d\xb8" + bytes(11) + b"\2", b"\x20\x01\x0d\xb8" + bytes(11) + b"\1"
    first = 0 if extra else protocol
    return struct.pack("!IHBB", 6 << 28, len(extra) + len(payload), first, 64) + src + dst + extra + payload


def datagram(text, port=2944):
    return struct.pack("!HHHH", port, port, 8 + len(text), 0) + text


def data_chunk(text, flags, tsn, protocol=7):
    body = struct.pack("!IHHI", tsn, 1, 0, protocol) + text
    return struct.pack("!BBH", 0, flags, 4 + len(body)) + body + b"\0" * (-len(body) % 4)


def linked(link_type, *all_data):
    out = struct.pack(">IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link_type)
    for data in all_data:
        out += struct.pack(">IIII", 1000, 0, len(data), len(data)) + data
    return out


v4 = udp(ask, MGC, MG)[14:]
v6 = ip6(17, datagram(ask))
hop = ip6(17, datagram(ask), struct.pack("!BB6x", 17, 0))
sctp = struct.pack("!HHII", 2944, 2944, 1, 0) + data_chunk(ask[:40], 2, 10) + data_chunk(ask[40:], 1, 11) + data_chunk(b"!/3 x K{1}", 3, 12, 0)
def fragment(packet, at, size, more):
    head, body = bytearray(packet[:20]), packet[20:][at : at + size]
    head[2:4] = struct.pack("!H", 20 + len(body))
    head[4:6] = b"\x12\x34"
    head[6:8] = struct.pack("!H", (0x2000 if more else 0) | at // 8)
    return bytes(head) + body


pieces = [fragment(v4, 48, 1000, False), fragment(v4, 0, 24, True), fragment(v4, 24, 24, True)]
cooked2 = struct.pack("!HHIHBB8s", 0x0800, 0, 1, 1, 0, 6, bytes(8))
kinds = {
    "raw IPv4": linked(101, v4),
    "raw IPv6": linked(101, v6),
    "IPv6 with options": linked(229, hop),
    "loopback": linked(0, struct.pack("<I", 2) + v4),
    "VLAN": linked(1, bytes(12) + b"\x81\x00\x00\x05\x08\x00" + v4),
    "two VLANs": linked(1, bytes(12) + b"\x88\xa8\x00\x05\x81\x00\x00\x06\x86\xdd" + v6),
    "Linux cooked": linked(113, bytes(14) + b"\x08\x00" + v4),
    "Linux cooked 2": linked(276, cooked2 + v4),
    "fragments": linked(101, *pieces),
    "SCTP": linked(101, ip4(132, sctp, MGC, MG)[14:]),
    "SCTP in UDP": linked(101, ip4(17, datagram(sctp, 9899), MGC, MG)[14:]),
    "SCTP in UDP over IPv6": linked(101, ip6(17, datagram(sctp, 9899))),
}
for name, made in kinds.items():
    write("kind", made)
    code, out, err = run("print", "--compact", "--pcap", "kind")
    check(name, code == 0 and out == GOOD + "\n", code, out, err)
    code, out, err = run("--pcap", "kind")
    check("the ladder of " + name, code == 0 and out.count("Transaction 1 C $ Add ip/1/access/$   <= UNANSWERED") == 1, code, out, err)
    for n in range(24, len(made), 5):
        write("cut", made[:n])
        code, out, err = run("--pcap", "cut")
        check("%s cut at %d" % (name, n), code in (0, 1, 2), code, out, err)
# What a tester looks for: broken messages at the port, losses, repetitions that are none.
def hold(*all_frames):
    write("kind", pcap(all_frames))
    return run("--pcap", "kind")


code, out, err = hold((0.0, udp(b"MEGACO", MGC, MG)), (0.1, udp(b"0\x03\x80\x01\x01", MGC, MG)))
check("a broken message at port 2944 is shown, a binary one is not", code == 1 and out.count("error 400") == 1, out)
same = b"!/3 [10.0.0.2]:2944 T=1{C=5{MF=ip/1/access/1{SG}}}"
other = same.replace(b"{SG}", b"{E}")
code, out, err = hold((0.0, udp(same, MGC, MG)), (1.0, udp(same, MGC, MG)), (2.0, udp(other, MGC, MG)), (40.0, udp(other, MGC, MG)))
check("an id with other content, or after LONG-TIMER, is no repetition", out.count("RETRANSMISSION") == 1 and out.count("UNANSWERED") == 3, out)
many = [tpkt(b"!/3 [10.0.0.2]:2944 T=%d{C=5{S=*}}" % n) for n in range(10, 30)]
at, segments = 100, []
for n, one in enumerate(many):
    if n != 1:
        segments.append((n * 0.1, tcp(one, at, MGC, MG, 5000, 2944)))
    at += len(one)
code, out, err = hold(*segments)
check("a hole in a TCP stream costs what is in it", out.count("Subtract *") == 19 and "11 C 5" not in out and "not all there" in out, out)
held = tcp(many[1][:10], 100 + len(many[0]), MGC, MG, 5000, 2944)
longer = tcp(many[1], 100 + len(many[0]), MGC, MG, 5000, 2944)
first = tcp(many[0], 100, MGC, MG, 5000, 2944)
code, out, err = hold((0.0, tcp(b"", 99, MGC, MG, 5000, 2944, syn=True)), (0.1, held), (0.2, longer), (0.3, first))
check("a segment that comes again with more is taken whole", out.count("Subtract *") == 2 and "    0.300000" in out, out)
again = tcp(tpkt(same), 3_000_000_000, MGC, MG, 5000, 2944)
code, out, err = hold((0.0, first), (9.0, again))
check("a connection whose beginning is not there is another one", out.count("<= UNANSWERED") == 2, out)
code, out, err = hold((0.0, ip4(17, datagram(b"hello", 53), MGC, MG)))
check("a capture without H.248 says so", code == 0 and out == "no H.248 in 1 frames\n", out)
code, out, err = run("check", "good", "nosuch", "bad")
check("one file that cannot be read hides no other", code == 2 and "good: ok" in out and "bad:3:8" in out and "nosuch" in err, out, err)
code, out, err = run("check", ".")
check("a directory is no file", code == 2 and err == "agw-h248: .: cannot be read\n", err)
for wrong in (("check", "--foo", "x"), ("print", "--json", "--pretty", "good"), ("--pcap",)):
    code, out, err = run(*wrong)
    check("wrong usage ends with 2", code == 2, wrong, code)
v6_pieces = [struct.pack("!BBHI", 17, 0, off | more, 77) + datagram(ask)[off : off + 48] for off, more in ((0, 1), (48, 0))]
v6_parts = [ip6(44, v6_pieces[0]), ip6(44, struct.pack("!BBHI", 17, 0, 48, 77) + datagram(ask)[48:])]
write("kind", linked(101, *v6_parts))
code, out, err = run("print", "--compact", "--pcap", "kind")
check("IPv6 fragments", code == 0 and out == GOOD + "\n", out, err)
write("odd", b"!/3 a T=1{C=1{MF=a{M{L{v=0\ns=\xe0\x80\x80\xed\xa0\x80}}}}}")
code, out, err = run("print", "--json", "odd")
check("JSON is UTF-8 whatever was in the message", code == 0 and json.loads(out) is not None, out, err)

write("kind", linked(101, *pieces[:2]))
code, out, err = run("--pcap", "kind")
check("a fragment that is missing is told", "Transaction" not in out and "not all there" in out, code, out, err)

print("%d passed, %d failed" % (passed, failed))
sys.exit(1 if failed else 0)
