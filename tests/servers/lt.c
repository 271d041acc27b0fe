/* Level-triggered, blocking sockets, one recv per report.

   With EARLY it closes what it has accepted. With PEEK it looks at the bytes
   before it takes them. With SPLICE they go through a pipe, and no recv or send
   is called. */
#define _GNU_SOURCE
#include <fcntl.h>
#include "common.h"

int main(void)
{
    int l = listener_on(0), ep = epoll_create1(0);
    struct epoll_event evs[MANY];

    add(ep, l, EPOLLIN);
    for (;;) {
        int n = epoll_wait(ep, evs, MANY, -1);
        if (n == -1) /* many a program is as strict as this */
            die("epoll_wait");
        for (int i = 0; i < n; i++) {
            int fd = evs[i].data.fd;
            char buf[5];
            if (fd == l) {
#ifdef EARLY
                close(accept(l, NULL, NULL));
                continue;
#endif
                add(ep, accept(l, NULL, NULL), EPOLLIN);
                continue;
            }
#ifdef PEEK
            recv(fd, buf, sizeof buf, MSG_PEEK);
#endif
#ifdef SPLICE
            static int ends[2];
            if (ends[1] == 0 && pipe(ends) == -1)
                die("pipe");
            ssize_t there = splice(fd, NULL, ends[1], NULL, sizeof buf, 0);
            if (there <= 0)
                close(fd);
            else
                splice(ends[0], NULL, fd, NULL, there, 0);
            continue;
#endif
            ssize_t len = recv(fd, buf, sizeof buf, 0);
            if (len <= 0)
                close(fd);
            else
                send(fd, buf, len, MSG_NOSIGNAL);
        }
    }
}
