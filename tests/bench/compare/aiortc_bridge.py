"""Data channels <-> TCP with aiortc. Orders as those of pion/main.go. usage: aiortc_bridge.py ADDRESS"""
import asyncio
import json
import sys

import aioice.ice
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

PIECE_BYTES = 16384
BUFFER_BYTES = 1 << 20
calls = {}

aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: sys.argv[1:2]


async def begin(call, sdp, core):
    connection = calls[call] = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    # It takes no offer that leaves it only one role, and chooses the other one by itself.
    await connection.setRemoteDescription(RTCSessionDescription(sdp.replace("a=setup:active", "a=setup:actpass"), "offer"))
    connection.sctp.transport._set_role("server")
    channel = connection.createDataChannel("load", negotiated=True, id=0)
    early = []  # what comes before TCP stands
    channel.on("message", early.append)
    channel.on("open", lambda: asyncio.ensure_future(join(channel, core, early)))
    await connection.setLocalDescription(await connection.createAnswer())
    print(json.dumps({"call": call, "sdp": connection.localDescription.sdp}), flush=True)


async def end(call):
    if connection := calls.pop(call, None):
        await connection.close()


async def join(channel, core, early):
    """aiortc cannot hold its messages back: what TCP does not take at once waits in the writer."""
    host, port = core.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    channel.remove_listener("message", early.append)
    for data in early:
        writer.write(data)
    channel.on("message", writer.write)
    channel.on("close", writer.close)
    drained = asyncio.Event()
    channel.bufferedAmountLowThreshold = BUFFER_BYTES // 2
    channel.on("bufferedamountlow", drained.set)
    while data := await reader.read(PIECE_BYTES):
        if channel.readyState != "open":
            break
        channel.send(data)
        if channel.bufferedAmount > BUFFER_BYTES:
            drained.clear()
            await drained.wait()


async def main():
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    print('{"call":0}', flush=True)
    while line := await orders.readline():
        order = json.loads(line)
        asyncio.ensure_future(begin(**order) if "sdp" in order else end(**order))


asyncio.run(main())
