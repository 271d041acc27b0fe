/* select, one recv per report. */
#include "common.h"

int main(void)
{
    int l = listener_on(0), max = l;
    fd_set all;

    FD_ZERO(&all);
    FD_SET(l, &all);
    for (;;) {
        fd_set ready = all;
        select(max + 1, &ready, NULL, NULL, NULL);
        for (int fd = 0; fd <= max; fd++) {
            char buf[5];
            if (!FD_ISSET(fd, &ready))
                continue;
            if (fd == l) {
                int c = accept(l, NULL, NULL);
                FD_SET(c, &all);
                if (c > max)
                    max = c;
                continue;
            }
            ssize_t n = recv(fd, buf, sizeof buf, 0);
            if (n <= 0) {
                FD_CLR(fd, &all);
                close(fd);
            } else {
                send(fd, buf, n, MSG_NOSIGNAL);
            }
        }
    }
}
