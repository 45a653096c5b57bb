package main

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// channelInfo is an entry of `channels`.
type channelInfo struct {
	ID          *uint16 `json:"id,omitempty"`
	Label       string  `json:"label,omitempty"`
	Subprotocol string  `json:"subprotocol,omitempty"`
	Dcep        bool    `json:"dcep,omitempty"`
	Path        string  `json:"path,omitempty"`
	Setup       string  `json:"setup,omitempty"`
	Max         int     `json:"max,omitempty"`
	Refused     string  `json:"refused,omitempty"`
}

// message is any message of the WebSocket, with the members that are used here.
type message struct {
	Type     string                 `json:"type"`
	Call     string                 `json:"call,omitempty"`
	SDP      string                 `json:"sdp,omitempty"`
	Channels []channelInfo          `json:"channels,omitempty"`
	Options  map[string]interface{} `json:"options,omitempty"`
	Cause    string                 `json:"cause,omitempty"`
	Code     string                 `json:"code,omitempty"`
	Text     string                 `json:"text,omitempty"`
	Stage    string                 `json:"stage,omitempty"`
	State    string                 `json:"state,omitempty"`
	Reason   string                 `json:"reason,omitempty"`
	Ms       float64                `json:"ms,omitempty"`
}

// link is a WebSocket to the controller. Its reader hands each call's messages to the call.
type link struct {
	socket  *websocket.Conn
	timeout time.Duration
	writing sync.Mutex
	mutex   sync.Mutex
	calls   map[string]*inbox
	failed  error
}

// inbox holds a call's messages until the call takes them: the reader of the link never waits for a call.
type inbox struct {
	mutex   sync.Mutex
	queue   []message
	arrived chan struct{}
}

func dial(url string, timeout time.Duration) (*link, error) {
	dialer := websocket.Dialer{HandshakeTimeout: timeout}
	socket, _, err := dialer.Dial(url, nil)
	if err != nil {
		return nil, err
	}
	l := &link{socket: socket, timeout: timeout, calls: map[string]*inbox{}}
	go l.read()
	return l, nil
}

func (l *link) close() { l.socket.Close() }

func (l *link) read() {
	for {
		var m message
		err := l.socket.ReadJSON(&m)
		l.mutex.Lock()
		if err != nil {
			l.failed = err
			for _, box := range l.calls {
				box.put(message{Type: "lost", Text: err.Error()})
			}
			l.mutex.Unlock()
			return
		}
		box := l.calls[m.Call]
		l.mutex.Unlock()
		if box != nil && m.Type != "h248" && m.Type != "step" {
			box.put(m)
		}
	}
}

func (l *link) send(m message) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	return l.socket.WriteJSON(m)
}

func (l *link) enter(call string) (*inbox, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.failed != nil {
		return nil, l.failed
	}
	box := &inbox{arrived: make(chan struct{}, 1)}
	l.calls[call] = box
	return box, nil
}

func (l *link) leave(call string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	delete(l.calls, call)
}

func (b *inbox) put(m message) {
	b.mutex.Lock()
	b.queue = append(b.queue, m)
	b.mutex.Unlock()
	select {
	case b.arrived <- struct{}{}:
	default:
	}
}

func (b *inbox) take() (message, bool) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if len(b.queue) == 0 {
		return message{}, false
	}
	m := b.queue[0]
	b.queue = b.queue[1:]
	return m, true
}

// refusal is the end of a call that the controller announced.
type refusal struct{ cause, text string }

func (r *refusal) Error() string { return fmt.Sprintf("%s %s", r.cause, r.text) }

var errTimeout = errors.New("timed out")

// await takes messages until one of that type comes; stages are noted on the way. A release, an error or a lost WebSocket ends it.
func (c *call) await(kind string, done <-chan struct{}) (message, error) {
	limit := time.NewTimer(c.settings.timeout)
	defer limit.Stop()
	for {
		for {
			m, ok := c.inbox.take()
			if !ok {
				break
			}
			switch {
			case m.Type == "stage":
				c.note(m)
			case m.Type == kind:
				return m, nil
			case m.Type == "error":
				return m, &refusal{m.Code, m.Text}
			case m.Type == "released":
				return m, &refusal{"released", m.Cause}
			case m.Type == "lost":
				return m, errors.New("websocket: " + m.Text)
			}
		}
		select {
		case <-c.inbox.arrived:
		case <-done:
			return message{}, nil
		case <-limit.C:
			return message{}, fmt.Errorf("%w waiting for %s", errTimeout, kind)
		}
	}
}
