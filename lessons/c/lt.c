/* A level-triggered echo server, built as textbooks build it.

       cc -o lt lt.c
       ./lt 9999                                                            */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER 1024
#define EVENTS 64

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

int main(int argc, char *argv[])
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    struct epoll_event event, events[EVENTS];
    char buffer[BUFFER];
    int listener, epfd, on = 1;

    if (argc != 2) {
        fprintf(stderr, "usage: %s PORT\n", argv[0]);
        return 2;
    }
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(atoi(argv[1]));

    listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1)
        fail("bind");
    if (listen(listener, 5) == -1)
        fail("listen");

    epfd = epoll_create1(0);
    event.events = EPOLLIN;
    event.data.fd = listener;
    epoll_ctl(epfd, EPOLL_CTL_ADD, listener, &event);

    for (;;) {
        int ready = epoll_wait(epfd, events, EVENTS, -1);
        if (ready == -1)
            fail("epoll_wait");
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                int client = accept(listener, NULL, NULL);
                event.events = EPOLLIN;
                event.data.fd = client;
                epoll_ctl(epfd, EPOLL_CTL_ADD, client, &event);
            } else {
                ssize_t length = read(fd, buffer, BUFFER);
                if (length == 0) {
                    epoll_ctl(epfd, EPOLL_CTL_DEL, fd, NULL);
                    close(fd);
                } else {
                    write(fd, buffer, length);
                }
            }
        }
    }
}
