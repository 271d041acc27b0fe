"""An echo server on asyncio streams."""
import asyncio


async def serve(reader, writer):
    try:
        while data := await reader.read(5):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    await server.serve_forever()


asyncio.run(main())
