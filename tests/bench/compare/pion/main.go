// pion-bridge: data channels <-> TCP with Pion. Orders are lines of JSON on the standard input: {"call", "sdp", "core"} begins a call and
// is answered by {"call", "sdp"}; {"call"} alone ends it. It says {"call": 0} when it is ready, and ends with its input. With -wic it is
// the other end instead, a WIC with the orders of ../wic_run.mjs.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"log"
	"net"
	"os"
	"sync"

	"github.com/pion/ice/v2"
	"github.com/pion/webrtc"
)

const (
	pieceBytes  = 16384   // of what the core sends: a message
	bufferBytes = 1 << 20 // waiting in the association
)

type order struct {
	Call int    `json:"call"`
	SDP  string `json:"sdp,omitempty"`
	Core string `json:"core,omitempty"`
}

type bridge struct {
	api     *webrtc.API
	mutex   sync.Mutex
	calls   map[int]*webrtc.PeerConnection
	answers *json.Encoder
}

func main() {
	local := flag.String("local", "127.0.0.1", "our address")
	asWic := flag.Bool("wic", false, "be a WIC")
	flag.Parse()
	engine := webrtc.SettingEngine{}
	engine.SetIncludeLoopbackCandidate(true)
	engine.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	engine.SetIPFilter(func(ip net.IP) bool { return ip.String() == *local })
	engine.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	engine.SetAnsweringDTLSRole(webrtc.DTLSRoleServer)
	api := webrtc.NewAPI(webrtc.WithSettingEngine(engine))
	if *asWic {
		serveWic(api)
		return
	}
	b := &bridge{api: api, calls: map[int]*webrtc.PeerConnection{}, answers: json.NewEncoder(os.Stdout)}
	b.answers.Encode(order{})
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var o order
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			log.Fatal(err)
		}
		if o.SDP != "" {
			go b.begin(o)
		} else {
			go b.end(o.Call)
		}
	}
}

func (b *bridge) begin(o order) {
	connection, err := b.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		log.Print(err)
		return
	}
	b.mutex.Lock()
	b.calls[o.Call] = connection
	b.mutex.Unlock()
	negotiated, id := true, uint16(0)
	channel, err := connection.CreateDataChannel("load", &webrtc.DataChannelInit{Negotiated: &negotiated, ID: &id})
	if err != nil {
		log.Print(err)
		return
	}
	join(channel, o.Core)
	if err = connection.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: o.SDP}); err != nil {
		log.Print(err)
		return
	}
	answer, err := connection.CreateAnswer(nil)
	if err != nil {
		log.Print(err)
		return
	}
	gathered := webrtc.GatheringCompletePromise(connection)
	if err = connection.SetLocalDescription(answer); err != nil {
		log.Print(err)
		return
	}
	<-gathered
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.answers.Encode(order{Call: o.Call, SDP: connection.LocalDescription().SDP})
}

func (b *bridge) end(call int) {
	b.mutex.Lock()
	connection := b.calls[call]
	delete(b.calls, call)
	b.mutex.Unlock()
	if connection != nil {
		connection.Close()
	}
}

// join carries octets both ways until either end is gone. The reader of the association waits for TCP, the reader of TCP for the association.
func join(channel *webrtc.DataChannel, address string) {
	var core net.Conn
	dialled, closed, drained := make(chan struct{}), make(chan struct{}), make(chan struct{}, 1)
	channel.SetBufferedAmountLowThreshold(bufferBytes / 2)
	channel.OnBufferedAmountLow(func() {
		select {
		case drained <- struct{}{}:
		default:
		}
	})
	channel.OnMessage(func(m webrtc.DataChannelMessage) { // the first may come before TCP stands
		select {
		case <-dialled:
			core.Write(m.Data)
		case <-closed:
		}
	})
	channel.OnOpen(func() {
		var err error
		if core, err = net.Dial("tcp", address); err != nil {
			log.Print(err)
			channel.Close()
			return
		}
		close(dialled)
		go pump(core, channel, drained, closed)
	})
	channel.OnClose(func() {
		close(closed)
		select {
		case <-dialled:
			core.Close()
		default:
		}
	})
}

func pump(core net.Conn, channel *webrtc.DataChannel, drained, closed chan struct{}) {
	piece := make([]byte, pieceBytes)
	for {
		n, err := core.Read(piece)
		if err != nil || channel.Send(piece[:n]) != nil {
			return
		}
		if channel.BufferedAmount() > bufferBytes {
			select {
			case <-drained:
			case <-closed:
				return
			}
		}
	}
}
