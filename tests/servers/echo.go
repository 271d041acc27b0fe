// An echo server as Go programs are written: a goroutine for each client.
package main

import (
	"net"
	"os"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		panic(err)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			panic(err)
		}
		go func() {
			b := make([]byte, 5)
			for {
				n, err := c.Read(b)
				if err != nil {
					c.Close()
					return
				}
				c.Write(b[:n])
			}
		}()
	}
}
