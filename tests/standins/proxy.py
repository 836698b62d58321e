#!/usr/bin/python3
"""proxy - stands between a client and a server on loopback, and harms.

    proxy.py PORT-FILE FAULT-FILE UPSTREAM-PORT

The fault is read anew from its file at each connection: none, latency, bandwidth, slicing, slow_close (all arrives, late), down (closed at
once), timeout, reset, truncation (the request arrives, the answer does not). The last three begin with the first answer to more than
REQUEST bytes, so that what is asked before, and TLS' own beginning, is answered.
"""
import asyncio
import socket
import struct
import sys

REQUEST = 1300
port_file, fault_file, upstream = sys.argv[1], sys.argv[2], int(sys.argv[3])


class Link:
    def __init__(self, fault):
        self.fault = fault
        self.sent = 0

    async def up(self, reader, writer):
        while data := await reader.read(4096):
            self.sent += len(data)
            await self.pass_on(writer, data)
        if writer.can_write_eof():
            writer.write_eof()

    async def down(self, reader, writer):
        while data := await reader.read(4096):
            if self.sent > REQUEST and self.fault in ("timeout", "reset", "truncation"):
                if self.fault == "timeout":
                    continue
                if self.fault == "truncation":
                    writer.write(data[: len(data) // 2])
                    await writer.drain()
                else:
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            await self.pass_on(writer, data)
        if self.fault == "slow_close":
            await asyncio.sleep(1)

    async def pass_on(self, writer, data):
        step = {"slicing": 3, "bandwidth": 512}.get(self.fault, len(data))
        pause = {"latency": 0.3, "bandwidth": 512 / 16384, "slicing": 0.001}.get(self.fault, 0)
        for at in range(0, len(data), step):
            if pause:
                await asyncio.sleep(pause)
            writer.write(data[at : at + step])
            await writer.drain()


async def serve(reader, writer):
    with open(fault_file, encoding="ascii") as file:
        link = Link(file.read().strip())
    try:
        if link.fault == "down":
            return
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", upstream)
        up = asyncio.create_task(link.up(reader, up_writer))
        try:
            await link.down(up_reader, writer)
        finally:
            up.cancel()
            up_writer.close()
    except OSError:
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    with open(port_file, "w", encoding="ascii") as file:
        print(server.sockets[0].getsockname()[1], file=file)
    await server.serve_forever()


asyncio.run(main())
