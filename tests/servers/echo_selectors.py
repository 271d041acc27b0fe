"""An echo server on selectors, which is epoll here: level-triggered."""
import selectors
import socket

sel = selectors.DefaultSelector()


def accept(listener):
    conn, _ = listener.accept()
    conn.setblocking(False)
    sel.register(conn, selectors.EVENT_READ, serve)


def serve(conn):
    data = conn.recv(5)
    if data:
        conn.sendall(data)
    else:
        sel.unregister(conn)
        conn.close()


listener = socket.create_server(("127.0.0.1", 0))
listener.setblocking(False)
sel.register(listener, selectors.EVENT_READ, accept)
while True:
    for key, _ in sel.select():
        key.data(key.fileobj)
