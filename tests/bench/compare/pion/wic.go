package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/pion/webrtc"
)

const (
	wicBufferBytes = 8 << 20 // waiting in the association; more than any link of these measurements holds
	patience       = 30 * time.Second
)

// wicOrder is one of wic_run.mjs; wic.mjs does the same in a page and in node.
type wicOrder struct {
	Order   string `json:"order"`
	SDP     string `json:"sdp"`
	Chunk   string `json:"chunk"` // with ##### where its number stands
	Numbers int    `json:"numbers"`
	Ms      int    `json:"ms"`
}

type wicAnswer struct {
	SDP    string  `json:"sdp,omitempty"`
	Octets int     `json:"octets,omitempty"`
	Ms     float64 `json:"ms,omitempty"`
	Fault  string  `json:"fault,omitempty"`
}

// wic only moves octets: numbered MSRP chunks that want no responses.
type wic struct {
	connection *webrtc.PeerConnection
	channel    *webrtc.DataChannel
	opened     chan struct{}
	arrived    chan []byte
}

func serveWic(api *webrtc.API) {
	w := &wic{opened: make(chan struct{}), arrived: make(chan []byte, 256)}
	answers := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var o wicOrder
		err := json.Unmarshal(lines.Bytes(), &o)
		var answer wicAnswer
		if err == nil {
			answer, err = w.obey(api, o)
		}
		if err != nil {
			log.Fatal(err)
		}
		answers.Encode(answer)
	}
}

func (w *wic) obey(api *webrtc.API, o wicOrder) (wicAnswer, error) {
	switch o.Order {
	case "offer":
		sdp, err := w.offer(api)
		return wicAnswer{SDP: sdp}, err
	case "answer":
		return wicAnswer{}, w.answer(o.SDP)
	case "down":
		return w.down(time.Duration(o.Ms)*time.Millisecond, o.Numbers), nil
	case "up":
		go w.up(o.Chunk, o.Numbers)
		return wicAnswer{}, nil
	}
	return wicAnswer{}, fmt.Errorf("what is %q?", o.Order)
}

func (w *wic) offer(api *webrtc.API) (sdp string, err error) {
	if w.connection, err = api.NewPeerConnection(webrtc.Configuration{}); err != nil {
		return "", err
	}
	protocol := "msrp"
	if w.channel, err = w.connection.CreateDataChannel("load", &webrtc.DataChannelInit{Protocol: &protocol}); err != nil {
		return "", err
	}
	w.channel.OnOpen(func() { close(w.opened) })
	w.channel.OnMessage(func(m webrtc.DataChannelMessage) { w.arrived <- m.Data })
	offer, err := w.connection.CreateOffer(nil)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(w.connection)
	if err = w.connection.SetLocalDescription(offer); err != nil {
		return "", err
	}
	<-gathered
	return w.connection.LocalDescription().SDP, nil
}

func (w *wic) answer(sdp string) error {
	if err := w.connection.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp}); err != nil {
		return err
	}
	select {
	case <-w.opened:
		return nil
	case <-time.After(patience):
		return errors.New("the channel does not open")
	}
}

// down counts what arrives within that time of the first octet.
func (w *wic) down(duration time.Duration, numbers int) wicAnswer {
	over := time.After(patience)
	var out wicAnswer
	var begin time.Time
	for next := 0; ; next = (next + 1) % numbers {
		select {
		case data := <-w.arrived:
			if out.Octets == 0 {
				begin, over = time.Now(), time.After(duration)
			}
			out.Octets += len(data)
			if head := fmt.Sprintf("MSRP agw%05d SEND\r\n", next); out.Fault == "" && !bytes.HasPrefix(data, []byte(head)) {
				out.Fault = fmt.Sprintf("instead of chunk %d came %.24q", next, data)
			}
		case <-over:
			if out.Octets == 0 {
				out.Fault = "nothing arrives"
				return out
			}
			out.Ms = float64(time.Since(begin).Microseconds()) / 1000
			w.channel.OnMessage(func(webrtc.DataChannelMessage) {})
			return out
		}
	}
}

// up sends until the connection ends.
func (w *wic) up(template string, numbers int) {
	drained := make(chan struct{}, 1)
	w.channel.SetBufferedAmountLowThreshold(wicBufferBytes / 2)
	w.channel.OnBufferedAmountLow(func() {
		select {
		case drained <- struct{}{}:
		default:
		}
	})
	chunks := make([][]byte, numbers)
	for i := range chunks {
		chunks[i] = []byte(strings.ReplaceAll(template, "#####", fmt.Sprintf("%05d", i)))
	}
	for next := 0; w.channel.Send(chunks[next]) == nil; next = (next + 1) % numbers {
		if w.channel.BufferedAmount() > wicBufferBytes {
			<-drained
		}
	}
}
