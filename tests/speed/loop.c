/* The calls of `lt` (argument lt) and of `et-nonblock` (argument et), made by
 * the C library: what a server in C would cost. It says its port, and serves
 * until it is killed. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int et = argc > 1 && strcmp(argv[1], "et") == 0, one = 1;
    struct sockaddr_in addr = {.sin_family = AF_INET};
    socklen_t len = sizeof addr;
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&addr, len) || listen(listener, SOMAXCONN)) return 1;
    getsockname(listener, (struct sockaddr *)&addr, &len);
    printf("%d\n", ntohs(addr.sin_port));
    fflush(stdout);

    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[64];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    char buffer[5];
    for (;;) {
        int ready = epoll_wait(epoll, events, 64, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
                if (et) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
                event.events = EPOLLIN | (et ? EPOLLET : 0);
                event.data.fd = fd;
                epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
                continue;
            }
            do {
                ssize_t n = recv(fd, buffer, sizeof buffer, 0);
                if (n < 0 && errno == EAGAIN) break;
                if (n <= 0 || send(fd, buffer, n, MSG_DONTWAIT | MSG_NOSIGNAL) != n) {
                    close(fd);
                    break;
                }
            } while (et);
        }
    }
}
