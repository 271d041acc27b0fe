/* A line-based chat server on edge-triggered epoll: the exercise of lesson 11.
 * Write your own before you read on.
 *
 *     cc -Wall -Wextra -O2 -o chat lessons/chat.c && ./chat 127.0.0.1:9999
 *
 * Read from the bottom up: main, accept_all, drain, take, tell_others, drop.
 */
#define _GNU_SOURCE /* accept4 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BUFFER = 5,       /* small, so that a drain that stops early shows */
    MAX_LINE = 16384, /* with its newline */
    MAX_EVENTS = 64,  /* what is ready beyond that comes with the next wait */
    MAX_FD = 1024,
};

struct client {
    size_t prefix, length;    /* of the prefix; of all that is in line */
    char line[16 + MAX_LINE]; /* "2: ", then what has come of the line */
};

/* By fd. An event carries an fd and no pointer, for its client can be dropped
 * between the wait that brought it and our looking at it. If the fd is a new
 * client's by then, recv says EAGAIN and no harm is done. */
static struct client *clients[MAX_FD];

static void drop(int fd)
{
    free(clients[fd]);
    clients[fd] = NULL;
    close(fd); /* the kernel takes it off the interest list */
}

/* Sends the sender's line to all the others. One whose kernel buffer has no
 * room for the whole of it is dropped: to wait would stop everybody else. */
static void tell_others(int sender)
{
    const struct client *from = clients[sender];
    for (int fd = 0; fd < MAX_FD; fd++) {
        if (clients[fd] == NULL || fd == sender)
            continue;
        /* MSG_NOSIGNAL: one who is gone gives EPIPE, and no SIGPIPE. */
        ssize_t n = send(fd, from->line, from->length, MSG_NOSIGNAL);
        if (n != (ssize_t)from->length)
            drop(fd); /* a short send, EAGAIN, EPIPE, ECONNRESET */
    }
}

/* Adds what has come to the client's line; false if that grows too long. */
static bool take(int fd, const char *bytes, size_t n)
{
    struct client *client = clients[fd];
    for (size_t i = 0; i < n; i++) {
        if (client->length == client->prefix + MAX_LINE)
            return false;
        client->line[client->length++] = bytes[i];
        if (bytes[i] == '\n') {
            tell_others(fd);
            client->length = client->prefix;
        }
    }
    return true;
}

/* Reads until EAGAIN: edge-triggered, no event reports again what is left. */
static void drain(int fd)
{
    char buffer[BUFFER];
    ssize_t n;
    while ((n = recv(fd, buffer, sizeof buffer, 0)) > 0) {
        if (!take(fd, buffer, (size_t)n))
            break;
    }
    if (n == -1 && errno == EAGAIN)
        return; /* drained: what comes next is a new event */
    drop(fd);   /* a hang-up (0), a reset, a line too long */
}

/* Accepts until EAGAIN: the listener is edge-triggered too, and one event can
 * stand for many connections. */
static void accept_all(int epoll, int listener)
{
    static unsigned number;
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd == -1 && errno == ECONNABORTED)
            continue; /* reset while it was queued; the next one */
        if (fd == -1)
            return; /* EAGAIN; or EMFILE, and the rest stays queued */
        struct client *client = fd < MAX_FD ? malloc(sizeof *client) : NULL;
        struct epoll_event event = { EPOLLIN | EPOLLET, { .fd = fd } };
        if (!client || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == -1) {
            free(client);
            close(fd); /* no room: this one is refused, the others go on */
            continue;
        }
        client->prefix = (size_t)sprintf(client->line, "%u: ", ++number);
        client->length = client->prefix;
        clients[fd] = client;
    }
}

/* A socket that listens on ADDR:PORT, non-blocking for accept_all. */
static int listen_on(const char *text)
{
    struct sockaddr_in addr = { .sin_family = AF_INET };
    char ip[16];
    unsigned short port;
    if (sscanf(text, "%15[0-9.]:%hu", ip, &port) != 2 ||
        inet_pton(AF_INET, ip, &addr.sin_addr) != 1)
        errx(2, "not ADDR:PORT: %s", text);
    addr.sin_port = htons(port);

    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
        /* Each accepted socket inherits it: a short line goes out at once. */
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == -1 ||
        bind(fd, (struct sockaddr *)&addr, sizeof addr) == -1 ||
        listen(fd, SOMAXCONN) == -1)
        err(1, "%s", text);
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        errx(2, "usage: chat ADDR:PORT");
    int listener = listen_on(argv[1]);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = { EPOLLIN | EPOLLET, { .fd = listener } };
    if (epoll == -1 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) == -1)
        err(1, "epoll");

    for (;;) {
        struct epoll_event events[MAX_EVENTS];
        int ready = epoll_wait(epoll, events, MAX_EVENTS, -1);
        /* Only a call that sleeps is interrupted, so no other says EINTR. */
        if (ready == -1 && errno != EINTR)
            err(1, "epoll_wait");
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener)
                accept_all(epoll, listener);
            else if (clients[fd] != NULL)
                drain(fd);
        }
    }
}
