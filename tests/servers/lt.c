/* Level-triggered, blocking sockets, one recv per report. */
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
                add(ep, accept(l, NULL, NULL), EPOLLIN);
                continue;
            }
            ssize_t len = recv(fd, buf, sizeof buf, 0);
            if (len <= 0)
                close(fd);
            else
                send(fd, buf, len, MSG_NOSIGNAL);
        }
    }
}
