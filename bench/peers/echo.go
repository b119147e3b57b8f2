// Go's echo server: one goroutine for each connection, on one processor as the others are. Given a
// certificate it speaks TLS.
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

func echo(peer net.Conn, bufferBytes int) {
	defer peer.Close()
	buffer := make([]byte, bufferBytes)
	for {
		size, err := peer.Read(buffer)
		if err != nil {
			return
		}
		if _, err := peer.Write(buffer[:size]); err != nil {
			return
		}
	}
}

func main() {
	host := flag.String("host", "127.0.0.1", "")
	port := flag.Int("port", 0, "")
	bufferBytes := flag.Int("buffer", 16*1024, "")
	certificate := flag.String("tls-cert", "", "")
	key := flag.String("tls-key", "", "")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	listener, err := net.Listen("tcp", fmt.Sprintf("%s:%d", *host, *port))
	if err == nil && *certificate != "" {
		var own tls.Certificate
		own, err = tls.LoadX509KeyPair(*certificate, *key)
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{own}})
	}
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
	fmt.Printf("listening on tcp://%s\n", listener.Addr())
	for {
		if peer, err := listener.Accept(); err == nil {
			go echo(peer, *bufferBytes)
		}
	}
}
