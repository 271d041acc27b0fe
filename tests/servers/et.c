/* Edge-triggered, O_NONBLOCK, recv until EAGAIN, accept until EAGAIN; what a
   send leaves over is kept, and sent at EPOLLOUT. As it should be.

   With NO_NONBLOCK the sockets block: the recv that should say EAGAIN sleeps.
   With ONE_RECV it reads once a report. With ONE_ACCEPT it accepts once.
   With NO_KEEP what a send leaves over is lost. With NO_EAGAIN it takes
   EAGAIN for a failure. With DIES it takes any failure of recv for its own.
   With RDHUP it closes when it hears of the end, before it reads. With ONE_SHOT
   it never asks again. With LAST it sends to whom it has accepted last. */
#include "common.h"

struct conn {
    int fd;
    size_t left;
    char buf[5];
};

static int ep;
static int last;

static void done(struct conn *c)
{
#ifdef LEAK
    return;
#endif
    close(c->fd);
    free(c);
}

/* Everything that lies there, or 0: the connection has ended. */
static int serve(struct conn *c)
{
    for (;;) {
        while (c->left > 0) {
#ifdef LAST
            ssize_t n = send(last, c->buf, c->left, MSG_NOSIGNAL);
#else
            ssize_t n = send(c->fd, c->buf, c->left, MSG_NOSIGNAL);
#endif
#ifdef NO_KEEP
            c->left = 0;
            (void)n;
#else
            if (n == -1)
                return errno == EAGAIN;
            memmove(c->buf, c->buf + n, c->left - n);
            c->left -= n;
#endif
        }
        ssize_t n = recv(c->fd, c->buf, sizeof c->buf, 0);
        if (n == 0)
            return 0;
        if (n == -1) {
#ifdef NO_EAGAIN
            die("recv");
#endif
            if (errno == EAGAIN)
                return 1;
#ifdef DIES
            die("recv");
#endif
            return 0;
        }
        c->left = n;
#ifdef SHORT_READ
        if (n < (ssize_t)sizeof c->buf) {
            send(c->fd, c->buf, c->left, MSG_NOSIGNAL);
            c->left = 0;
            return 1; /* fewer bytes than asked for: it seems to be all */
        }
#endif
#ifdef ONE_RECV
        send(c->fd, c->buf, c->left, MSG_NOSIGNAL);
        c->left = 0;
        return 1;
#endif
    }
}

int main(void)
{
    int l = listener_on(0);
    struct epoll_event evs[MANY];

    ep = epoll_create1(0);
    nonblocking(l);
#ifdef ONE_ACCEPT
    struct epoll_event listen_for = { .events = EPOLLIN | EPOLLET };
#else
    struct epoll_event listen_for = { .events = EPOLLIN };
#endif
    epoll_ctl(ep, EPOLL_CTL_ADD, l, &listen_for); /* data.ptr is NULL */
    for (;;) {
        int n = epoll_wait(ep, evs, MANY, -1);
        if (n == -1) /* many a program is as strict as this */
            die("epoll_wait");
        for (int i = 0; i < n; i++) {
            struct conn *c = evs[i].data.ptr;
            if (c != NULL) {
#ifdef RDHUP
                if (evs[i].events & EPOLLRDHUP) {
                    done(c);
                    continue;
                }
#endif
                if (!serve(c))
                    done(c);
                continue;
            }
            int fd = accept(l, NULL, NULL);
            if (fd == -1)
                continue;
#ifndef NO_NONBLOCK
            nonblocking(fd);
#endif
            c = calloc(1, sizeof *c);
            last = c->fd = fd;
            struct epoll_event ev = { .data.ptr = c };
            ev.events = EPOLLIN | EPOLLOUT | EPOLLET;
#if defined ONE_RECV || defined SHORT_READ
            ev.events = EPOLLIN | EPOLLET;
#elif defined RDHUP
            ev.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
#elif defined ONE_SHOT
            ev.events = EPOLLIN | EPOLLONESHOT;
#endif
            epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
        }
    }
}
