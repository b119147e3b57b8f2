// Go's echo of datagrams: one goroutine for the socket, on one processor as the others are.
package main

import (
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

func main() {
	host := flag.String("host", "127.0.0.1", "")
	port := flag.Int("port", 0, "")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	here := net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(*host), uint16(*port)))
	socket, err := net.ListenUDP("udp4", here)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		os.Exit(0)
	}()
	fmt.Printf("listening on udp://%s\n", socket.LocalAddr())
	buffer := make([]byte, 2048)
	for {
		if size, from, err := socket.ReadFromUDPAddrPort(buffer); err == nil {
			socket.WriteToUDPAddrPort(buffer[:size], from)
		}
	}
}
