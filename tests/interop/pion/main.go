// pion-wic is a WIC without a browser: it calls through agw-controller's WebSocket (apps/controller/websocket.md), brings up a data
// channel with Pion's ICE, DTLS and SCTP stacks, and speaks MSRP on it with the controller's bot. Many calls fit into one process, so it
// is the load tool too. It prints one line of JSON; with -hold another one before it, when all calls are up. Exit status 1: a call failed.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

type settings struct {
	url        string
	local      string
	calls      int
	parallel   int
	messages   int
	size       int
	bytes      int64
	direction  string
	chunk      int
	maxMessage int
	bad        string
	terminated bool
	negotiated bool
	hold       time.Duration
	timeout    time.Duration
	options    map[string]interface{}
}

func main() {
	var s settings
	var options string
	flag.StringVar(&s.url, "url", "ws://127.0.0.1:8080/ws", "the controller's WebSocket")
	flag.StringVar(&s.local, "local", "127.0.0.1", "address that media leaves from")
	flag.IntVar(&s.calls, "calls", 1, "how many calls, all in all")
	flag.IntVar(&s.parallel, "parallel", 1, "how many of them at a time")
	flag.IntVar(&s.messages, "messages", 1, "texts sent, and echoes awaited, in each call")
	flag.IntVar(&s.size, "size", 64, "bytes of a text")
	flag.Int64Var(&s.bytes, "bytes", 0, "transfer so many bytes each way in each call and compare hashes")
	flag.StringVar(&s.direction, "direction", "both", "of the transfer: up, down or both, one after the other")
	flag.IntVar(&s.chunk, "chunk", 16384, "body bytes of an MSRP chunk that is sent")
	flag.IntVar(&s.maxMessage, "max-message", 65535, "our a=max-message-size: the largest MSRP chunk the gateway may send")
	flag.StringVar(&s.bad, "bad", "", "misbehave: wrong-fingerprint, wrong-ice-password, no-ice, garbage, msrp-garbage or vanish")
	flag.BoolVar(&s.terminated, "terminated", false, "let the controller call us")
	flag.BoolVar(&s.negotiated, "negotiated", false, "the channel's id is agreed in signalling, not opened by DCEP")
	flag.DurationVar(&s.hold, "hold", 0, "keep the calls up for so long; all at once then")
	flag.DurationVar(&s.timeout, "timeout", 40*time.Second, "for each step of a call")
	flag.StringVar(&options, "options", "", "JSON for the offer's member `options`")
	flag.Parse()
	// Pion's SCTP knows no other port than 5000, its own and the peer's.
	s.options = map[string]interface{}{"sctpPort": 5000}
	err := s.check()
	if options != "" && err == nil {
		if err = json.Unmarshal([]byte(options), &s.options); err != nil {
			err = fmt.Errorf("-options: %w", err)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "pion-wic:", err)
		os.Exit(2)
	}
	r := run(&s)
	out, err := json.Marshal(r)
	if err != nil {
		fmt.Fprintln(os.Stderr, "pion-wic:", err)
		os.Exit(2)
	}
	fmt.Println(string(out))
	if r.Failed > 0 {
		os.Exit(1)
	}
}

func (s *settings) check() error {
	known := map[string]bool{"": true, "wrong-fingerprint": true, "wrong-ice-password": true, "no-ice": true, "garbage": true,
		"msrp-garbage": true, "vanish": true}
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("what is %q?", flag.Arg(0))
	case s.calls < 1 || s.parallel < 1 || s.messages < 0 || s.size < 1 || s.bytes < 0 || s.chunk < 1:
		return fmt.Errorf("numbers must be positive")
	case s.maxMessage < 1000 || s.maxMessage > 65535:
		return fmt.Errorf("-max-message: allowed is 1000 to 65535")
	case !known[s.bad]:
		return fmt.Errorf("-bad: no such misbehaviour: %s", s.bad)
	case s.direction != "up" && s.direction != "down" && s.direction != "both":
		return fmt.Errorf("-direction: allowed is up, down or both")
	case net.ParseIP(s.local) == nil:
		return fmt.Errorf("-local: allowed is an address")
	case s.hold > 0 && s.parallel < s.calls:
		return fmt.Errorf("-hold needs -parallel as big as -calls")
	}
	return nil
}

// run makes all calls: as many workers as may be parallel, each with a WebSocket of its own, take them one by one.
func run(s *settings) report {
	begin := time.Now()
	outcomes := make([]outcome, s.calls)
	next := make(chan int, s.calls)
	for i := 0; i < s.calls; i++ {
		next <- i
	}
	close(next)
	gate := newGate(s)
	var workers sync.WaitGroup
	for w := 0; w < s.parallel && w < s.calls; w++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			link, err := dial(s.url, s.timeout)
			if err == nil {
				defer link.close()
			}
			for i := range next {
				if err != nil {
					outcomes[i] = outcome{Error: "websocket: " + err.Error()}
					gate.arrive()
					continue
				}
				outcomes[i] = oneCall(s, link, fmt.Sprintf("p%d", i), gate)
			}
		}()
	}
	workers.Wait()
	return summarise(outcomes, time.Since(begin))
}

// gate lets all calls be up together with -hold: each arrives, up or failed, and the last one starts the clock.
type gate struct {
	hold    time.Duration
	mutex   sync.Mutex
	missing int
	all     chan struct{}
}

func newGate(s *settings) *gate {
	return &gate{hold: s.hold, missing: s.calls, all: make(chan struct{})}
}

func (g *gate) arrive() {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.missing--
	if g.missing == 0 {
		if g.hold > 0 {
			fmt.Printf("{\"event\":\"up\",\"for_ms\":%d}\n", g.hold.Milliseconds())
		}
		close(g.all)
	}
}

func (g *gate) pass() {
	if g.hold > 0 {
		<-g.all
		time.Sleep(g.hold)
	}
}
