package main

import (
	"errors"
	"fmt"
	"math/rand"
	"net"
	"strings"
	"time"

	"github.com/pion/ice/v2"
	"github.com/pion/webrtc"
)

// call is one call of ours, from offer to release.
type call struct {
	settings *settings
	link     *link
	name     string
	inbox    *inbox
	outcome  outcome

	socket     net.PacketConn
	connection *webrtc.PeerConnection
	channel    *webrtc.DataChannel
	opened     chan struct{}
	msrp       *session
	gateway    *net.UDPAddr
	pelt       *pelt
}

func oneCall(s *settings, l *link, name string, g *gate) outcome {
	c := &call{settings: s, link: l, name: name, opened: make(chan struct{})}
	c.outcome.Stages = map[string]float64{}
	arrived := false
	up := func() {
		arrived = true
		g.arrive()
	}
	err := c.run(up, g)
	if !arrived {
		g.arrive()
	}
	if err != nil {
		c.outcome.Error = err.Error()
	}
	return c.outcome
}

func (c *call) note(m message) {
	switch m.State {
	case "done":
		c.outcome.Stages[m.Stage] = m.Ms
	case "failed":
		c.outcome.Failures = append(c.outcome.Failures, m.Stage+":"+m.Reason)
	}
}

func ms(since time.Time) float64 { return float64(time.Since(since).Microseconds()) / 1000 }

func (c *call) run(up func(), g *gate) (err error) {
	if c.inbox, err = c.link.enter(c.name); err != nil {
		return err
	}
	defer c.link.leave(c.name)
	if err = c.prepare(); err != nil {
		return err
	}
	defer func() {
		c.connection.Close()
		c.socket.Close()
	}()
	begin := time.Now()
	if c.settings.terminated {
		err = c.beCalled()
	} else {
		err = c.offer()
	}
	c.outcome.AnswerMs = ms(begin)
	if err != nil {
		c.endedBy(err)
		return err
	}
	if c.settings.bad != "" {
		return c.misbehave(up)
	}
	if err = c.waitOpen(); err != nil {
		return c.finish(err)
	}
	c.outcome.OpenMs = ms(begin)
	if err = c.exchange(); err != nil {
		return c.finish(err)
	}
	c.outcome.TotalMs = ms(begin)
	up()
	g.pass()
	return c.finish(nil)
}

// prepare makes the peer connection on a socket of its own, so that whatever else is to leave from its address can.
func (c *call) prepare() (err error) {
	if c.socket, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(c.settings.local)}); err != nil {
		return err
	}
	engine := webrtc.SettingEngine{}
	engine.SetICEUDPMux(webrtc.NewICEUDPMux(nil, c.socket))
	engine.SetIncludeLoopbackCandidate(true)
	engine.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	engine.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	c.connection, err = webrtc.NewAPI(webrtc.WithSettingEngine(engine)).NewPeerConnection(webrtc.Configuration{})
	return err
}

// open makes the data channel with MSRP as its protocol, by DCEP or, with an id, without.
func (c *call) open(label string, id *uint16) (err error) {
	protocol, negotiated := "msrp", id != nil
	c.channel, err = c.connection.CreateDataChannel(label, &webrtc.DataChannelInit{Protocol: &protocol, Negotiated: &negotiated, ID: id})
	if err != nil {
		return err
	}
	own := fmt.Sprintf("msrps://%s.invalid:2855/%s;dc", token(), token())
	c.msrp = newSession(c.channel, own, c.settings)
	c.channel.OnOpen(func() { close(c.opened) })
	return nil
}

// describe sets our description and yields it with all candidates and our max-message-size, spoilt where that is asked for.
func (c *call) describe(description webrtc.SessionDescription) (string, error) {
	gathered := webrtc.GatheringCompletePromise(c.connection)
	if err := c.connection.SetLocalDescription(description); err != nil {
		return "", err
	}
	<-gathered
	sdp := c.connection.LocalDescription().SDP
	sdp = strings.TrimRight(sdp, "\r\n") + fmt.Sprintf("\r\na=max-message-size:%d\r\n", c.settings.maxMessage)
	switch c.settings.bad {
	case "wrong-fingerprint":
		sdp = spoil(sdp, "a=fingerprint:sha-256 ", "0123456789ABCDEF")
	case "wrong-ice-password":
		sdp = spoil(sdp, "a=ice-pwd:", "abcdefghijklmnopqrstuvwxyz")
	}
	return sdp, nil
}

// spoil replaces the first character of the value of every such line by another one of the alphabet.
func spoil(sdp, line, alphabet string) string {
	parts := strings.Split(sdp, line)
	for i := 1; i < len(parts); i++ {
		letter := alphabet[0]
		if parts[i][0] == letter {
			letter = alphabet[1]
		}
		parts[i] = string(letter) + parts[i][1:]
	}
	return strings.Join(parts, line)
}

func (c *call) offer() error {
	info := channelInfo{Label: "chat", Subprotocol: "msrp", Dcep: !c.settings.negotiated, Setup: "active"}
	if c.settings.negotiated {
		info.ID = new(uint16)
	}
	if err := c.open(info.Label, info.ID); err != nil {
		return err
	}
	info.Path = c.msrp.own
	offer, err := c.connection.CreateOffer(nil)
	if err != nil {
		return err
	}
	sdp, err := c.describe(offer)
	if err != nil {
		return err
	}
	err = c.link.send(message{Type: "offer", Call: c.name, SDP: sdp, Channels: []channelInfo{info}, Options: c.settings.options})
	if err != nil {
		return err
	}
	answer, err := c.await("answer", nil)
	if err != nil {
		return err
	}
	return c.accept(webrtc.SDPTypeAnswer, answer)
}

func (c *call) beCalled() error {
	asked := channelInfo{Label: "chat", Subprotocol: "msrp", Dcep: !c.settings.negotiated}
	if err := c.link.send(message{Type: "call-me", Call: c.name, Channels: []channelInfo{asked}, Options: c.settings.options}); err != nil {
		return err
	}
	incoming, err := c.await("incoming", nil)
	if err != nil {
		return err
	}
	if len(incoming.Channels) != 1 {
		return fmt.Errorf("incoming has %d channels", len(incoming.Channels))
	}
	info := incoming.Channels[0]
	if c.settings.negotiated && info.ID == nil {
		return errors.New("incoming names no channel id")
	}
	if !c.settings.negotiated {
		info.ID = nil
	}
	if err := c.open("chat", info.ID); err != nil {
		return err
	}
	if err := c.accept(webrtc.SDPTypeOffer, incoming); err != nil {
		return err
	}
	answer, err := c.connection.CreateAnswer(nil)
	if err != nil {
		return err
	}
	sdp, err := c.describe(answer)
	if err != nil {
		return err
	}
	mine := asked
	mine.ID, mine.Path, mine.Setup = info.ID, c.msrp.own, "active"
	return c.link.send(message{Type: "answer", Call: c.name, SDP: sdp, Channels: []channelInfo{mine}})
}

// accept takes the controller's description and the peer's MSRP path.
func (c *call) accept(kind webrtc.SDPType, m message) error {
	if len(m.Channels) != 1 || m.Channels[0].Path == "" {
		return fmt.Errorf("%s has no path for the channel: %+v", m.Type, m.Channels)
	}
	c.msrp.peer = m.Channels[0].Path
	if max := m.Channels[0].Max; max > 0 && max-1024 < c.msrp.chunk {
		c.msrp.chunk = max - 1024 // room for the headers
	}
	c.gateway = candidateOf(m.SDP)
	sdp := m.SDP
	switch c.settings.bad {
	case "wrong-ice-password":
		sdp = spoil(sdp, "a=ice-pwd:", "abcdefghijklmnopqrstuvwxyz")
	case "garbage":
		var err error
		if c.pelt, err = c.throw(); err != nil {
			return err
		}
	case "no-ice":
		return nil
	}
	return c.connection.SetRemoteDescription(webrtc.SessionDescription{Type: kind, SDP: sdp})
}

// candidateOf is where the first UDP candidate of an SDP points.
func candidateOf(sdp string) *net.UDPAddr {
	for _, line := range strings.Split(sdp, "\n") {
		words := strings.Fields(strings.TrimPrefix(line, "a=candidate:"))
		if strings.HasPrefix(line, "a=candidate:") && len(words) > 5 && strings.EqualFold(words[2], "udp") {
			if address, err := net.ResolveUDPAddr("udp", net.JoinHostPort(words[4], words[5])); err == nil {
				return address
			}
		}
	}
	return nil
}

// waitOpen waits for the channel, and hears what the controller says meanwhile.
func (c *call) waitOpen() error {
	select {
	case <-c.opened:
		return nil
	default:
	}
	m, err := c.await("closed", c.opened)
	if err == nil && m.Type == "closed" {
		err = &refusal{"closed", m.Cause}
	}
	return err
}

// exchange sends the texts and files that were asked for and checks what comes back.
func (c *call) exchange() error {
	letters := rand.New(rand.NewSource(time.Now().UnixNano()))
	for i := 0; i < c.settings.messages; i++ {
		text := make([]byte, c.settings.size)
		for j := range text {
			text[j] = byte('a' + letters.Intn(26))
		}
		begin := time.Now()
		if err := c.msrp.sendText(string(text)); err != nil {
			return err
		}
		echo, err := c.msrp.next(c.settings.timeout)
		if err != nil {
			return err
		}
		if echo.text != string(text) {
			return fmt.Errorf("the echo differs: %.60q instead of %.60q", echo.text, text)
		}
		c.outcome.EchoMs = append(c.outcome.EchoMs, ms(begin))
	}
	if c.settings.bytes > 0 {
		return c.transfer()
	}
	return nil
}

// finish releases the call, unless it has ended already, and says how it ended.
func (c *call) finish(failure error) error {
	begin := time.Now()
	if c.endedBy(failure) {
		return failure
	}
	if err := c.link.send(message{Type: "release", Call: c.name}); err != nil {
		return first(failure, err)
	}
	m, err := c.await("released", nil)
	if err != nil {
		return first(failure, err)
	}
	c.outcome.Cause = m.Cause
	c.outcome.ReleaseMs = ms(begin)
	if failure == nil && m.Cause != "requested" {
		failure = fmt.Errorf("released: %s", m.Cause)
	}
	return failure
}

// endedBy says whether that failure is the call's release by the gateway, and notes its cause.
func (c *call) endedBy(failure error) bool {
	var ended *refusal
	if !errors.As(failure, &ended) || ended.cause != "released" {
		return false
	}
	c.outcome.Cause = ended.text
	return true
}

func first(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
