package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"sync"
	"time"

	"github.com/pion/webrtc"
)

const (
	window      = 64      // chunks without a response
	bufferBytes = 1 << 20 // waiting in Pion's SCTP association
)

// received is a whole MSRP message of the peer.
type received struct {
	text        string // of messages without a Content-Disposition
	disposition string
	size        int64
	sha256      string
	began, took time.Time
}

// session is MSRP on one data channel.
type session struct {
	channel *webrtc.DataChannel
	own     string
	peer    string
	chunk   int
	timeout time.Duration

	credit   chan struct{} // one for each chunk that may still go out without a response
	drained  chan struct{}
	messages chan received
	fault    chan error

	mutex    sync.Mutex
	incoming map[string]*assembly
	sent     map[string]bool // transactions that wait for their response
}

type assembly struct {
	received
	hash hash.Hash
	next int64
	body []byte
}

func newSession(channel *webrtc.DataChannel, own string, s *settings) *session {
	m := &session{channel: channel, own: own, chunk: s.chunk, timeout: s.timeout, credit: make(chan struct{}, window), drained: make(chan struct{}, 1),
		messages: make(chan received, 1024), fault: make(chan error, 1), incoming: map[string]*assembly{}, sent: map[string]bool{}}
	for i := 0; i < window; i++ {
		m.credit <- struct{}{}
	}
	channel.SetBufferedAmountLowThreshold(bufferBytes / 2)
	channel.OnBufferedAmountLow(func() {
		select {
		case m.drained <- struct{}{}:
		default:
		}
	})
	channel.OnMessage(func(data webrtc.DataChannelMessage) {
		if err := m.receive(data.Data); err != nil {
			m.fail(err)
		}
	})
	channel.OnClose(func() { m.fail(errors.New("the channel was closed")) })
	return m
}

func (m *session) fail(err error) {
	select {
	case m.fault <- err:
	default:
	}
}

func (m *session) receive(data []byte) error {
	c, err := parseChunk(data)
	if err != nil {
		return err
	}
	if c.method == "" {
		m.mutex.Lock()
		known := m.sent[c.transaction]
		delete(m.sent, c.transaction)
		m.mutex.Unlock()
		if !known {
			return fmt.Errorf("a response to nothing: %s", c.transaction)
		}
		if c.status != 200 {
			return fmt.Errorf("response %d", c.status)
		}
		m.credit <- struct{}{}
		return nil
	}
	if c.method != "SEND" {
		return nil
	}
	if c.toPath != m.own {
		return fmt.Errorf("To-Path is %s, not %s", c.toPath, m.own)
	}
	if err := m.take(c); err != nil {
		return err
	}
	return m.channel.Send(c.response(200, "OK", m.own))
}

// take adds a chunk to its message. The channel is ordered, so chunks come without gaps.
func (m *session) take(c *chunk) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	a := m.incoming[c.messageID]
	if a == nil {
		a = &assembly{hash: sha256.New(), next: 1}
		a.disposition = c.disposition
		a.began = time.Now()
		m.incoming[c.messageID] = a
	}
	if c.first != a.next {
		return fmt.Errorf("message %s: byte %d came instead of %d", c.messageID, c.first, a.next)
	}
	a.next += int64(len(c.body))
	a.hash.Write(c.body)
	if a.disposition == "" {
		a.body = append(a.body, c.body...)
	}
	switch c.flag {
	case '#':
		return fmt.Errorf("message %s was aborted", c.messageID)
	case '$':
		delete(m.incoming, c.messageID)
		a.size = a.next - 1
		if c.total >= 0 && c.total != a.size {
			return fmt.Errorf("message %s: %d bytes of %d", c.messageID, a.size, c.total)
		}
		if a.size == 0 {
			return nil
		}
		a.text, a.sha256, a.took = string(a.body), hex.EncodeToString(a.hash.Sum(nil)), time.Now()
		select {
		case m.messages <- a.received:
		default:
			return errors.New("the peer sends without end")
		}
	}
	return nil
}

// send sends a message of `size` bytes, which `fill` produces, in chunks, and waits for room as it goes.
func (m *session) send(contentType, disposition string, size int64, fill func(at int64, piece []byte)) error {
	id := token()
	limit := time.NewTimer(m.timeout)
	defer limit.Stop()
	for at := int64(0); at < size || size == 0; {
		n := size - at
		if n > int64(m.chunk) {
			n = int64(m.chunk)
		}
		c := chunk{transaction: token(), method: "SEND", toPath: m.peer, fromPath: m.own, messageID: id, contentType: contentType,
			disposition: disposition, first: at + 1, total: size, body: make([]byte, n), flag: '+'}
		fill(at, c.body)
		if at += n; at == size {
			c.flag = '$'
		}
		if err := m.room(limit); err != nil {
			return err
		}
		m.mutex.Lock()
		m.sent[c.transaction] = true
		m.mutex.Unlock()
		if err := m.channel.Send(c.bytes()); err != nil {
			return err
		}
		if size == 0 {
			break
		}
	}
	return nil
}

// room waits for a response that is due and for SCTP's buffer; progress restarts the clock.
func (m *session) room(limit *time.Timer) error {
	if !limit.Stop() {
		select {
		case <-limit.C:
		default:
		}
	}
	limit.Reset(m.timeout)
	select {
	case <-m.credit:
	case err := <-m.fault:
		return err
	case <-limit.C:
		return fmt.Errorf("%w waiting for an MSRP response", errTimeout)
	}
	for m.channel.BufferedAmount() > bufferBytes {
		select {
		case <-m.drained:
		case <-time.After(10 * time.Millisecond): // it may have drained before the event was asked for
		case err := <-m.fault:
			return err
		}
	}
	return nil
}

func (m *session) sendText(text string) error {
	return m.send("text/plain", "", int64(len(text)), func(at int64, piece []byte) { copy(piece, text[at:]) })
}

// next yields the next whole message; as long as bytes of a long one come in, `within` is only the first one's.
func (m *session) next(within time.Duration) (received, error) {
	limit := time.NewTimer(within)
	defer limit.Stop()
	select {
	case r := <-m.messages:
		return r, nil
	case err := <-m.fault:
		return received{}, err
	case <-limit.C:
		return received{}, fmt.Errorf("%w waiting for an MSRP message", errTimeout)
	}
}
