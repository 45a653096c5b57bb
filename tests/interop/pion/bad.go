package main

import (
	"errors"
	"fmt"
	"math/rand"
	"net"
	"sync/atomic"
	"time"
)

// misbehave does what -bad asks for. It fails when the gateway does not do what it is obliged to: with garbage on the network the call
// must work all the same, otherwise the call, or its channel, must end by itself. The outcome's cause says with which words.
func (c *call) misbehave(up func()) error {
	begin := time.Now()
	wanted := "released"
	switch c.settings.bad {
	case "garbage":
		return c.throughGarbage(up)
	case "msrp-garbage":
		if err := c.waitOpen(); err != nil {
			return c.finish(err)
		}
		if err := c.channel.Send([]byte("this is no MSRP\r\n\r\n\x00\xff")); err != nil {
			return c.finish(err)
		}
		wanted = "closed"
	case "vanish":
		if err := c.waitOpen(); err != nil {
			return c.finish(err)
		}
		if err := c.exchange(); err != nil {
			return c.finish(err)
		}
		c.socket.Close() // without a word to the gateway
	}
	up()
	m, err := c.await(wanted, nil)
	switch {
	case err == nil:
		c.outcome.Cause = m.Cause
	case c.endedBy(err):
	default:
		return c.finish(fmt.Errorf("the gateway did not end it: %w", err))
	}
	c.outcome.ReleaseMs = ms(begin)
	if wanted == "closed" && err == nil {
		cause := c.outcome.Cause
		err = c.finish(nil)
		c.outcome.Cause = cause
		return err
	}
	if c.outcome.Cause == "requested" {
		return errors.New("the call ended as if it had been released")
	}
	return nil
}

// pelt throws garbage at the gateway's media port until stop: from an address that nobody knows, with everything that might be taken
// for STUN or DTLS, and from our own, with what no stack may take for more than noise.
type pelt struct {
	stop   chan struct{}
	ended  chan struct{}
	thrown int64
}

func (c *call) throw() (*pelt, error) {
	if c.gateway == nil {
		return nil, errors.New("the gateway's SDP has no candidate")
	}
	stranger, err := net.DialUDP("udp", &net.UDPAddr{IP: net.ParseIP(c.settings.local)}, c.gateway)
	if err != nil {
		return nil, err
	}
	p := &pelt{stop: make(chan struct{}), ended: make(chan struct{})}
	dice := rand.New(rand.NewSource(int64(c.gateway.Port)))
	one := func() {
		stranger.Write(garbage(dice, dice.Intn(5)))
		c.socket.WriteTo(garbage(dice, dice.Intn(3)), c.gateway)
		atomic.AddInt64(&p.thrown, 2)
	}
	for i := 0; i < 100; i++ { // before anything else has arrived
		one()
	}
	go func() {
		defer close(p.ended)
		defer stranger.Close()
		pause := time.NewTicker(2 * time.Millisecond)
		defer pause.Stop()
		for {
			select {
			case <-p.stop:
				return
			case <-pause.C:
				one()
			}
		}
	}()
	return p, nil
}

func garbage(dice *rand.Rand, kind int) []byte {
	data := make([]byte, dice.Intn(1400))
	dice.Read(data)
	if len(data) < 20 {
		return data
	}
	switch kind {
	case 0: // of no protocol: the first byte is in a range that nobody uses (RFC 7983)
		data[0] |= 0xc0
	case 1: // a Binding request without a valid integrity
		copy(data, []byte{0x00, 0x01, byte((len(data) - 20) >> 8), byte(len(data)-20) &^ 3, 0x21, 0x12, 0xa4, 0x42})
	case 2: // an encrypted DTLS record that nobody has encrypted
		copy(data, []byte{23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, byte(dice.Intn(256)), byte((len(data) - 13) >> 8), byte(len(data) - 13)})
	case 3: // a handshake record in the clear
		copy(data, []byte{22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, byte(dice.Intn(256)), byte((len(data) - 13) >> 8), byte(len(data) - 13), byte(dice.Intn(25))})
	case 4: // a fatal alert in the clear
		data = append(data[:0], 21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, byte(dice.Intn(256)), 0, 2, 2, byte(dice.Intn(120)))
	}
	return data
}

func (c *call) throughGarbage(up func()) error {
	defer func() {
		close(c.pelt.stop)
		<-c.pelt.ended
		c.outcome.Garbage = atomic.LoadInt64(&c.pelt.thrown)
	}()
	if err := c.waitOpen(); err != nil {
		return c.finish(err)
	}
	err := c.exchange()
	up()
	return c.finish(err)
}
