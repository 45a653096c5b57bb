package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// chunk is one MSRP request or response (RFC 4975): on a data channel, one message (RFC 8873).
type chunk struct {
	transaction string
	method      string // SEND, REPORT; empty for a response
	status      int    // of a response
	toPath      string
	fromPath    string
	messageID   string
	contentType string
	disposition string
	first       int64 // Byte-Range: first-last/total, total -1 when unknown
	total       int64
	body        []byte
	flag        byte // $, + or #
}

func token() string {
	var b [12]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err)
	}
	return hex.EncodeToString(b[:])
}

// parseChunk reads a whole data-channel message, which must be exactly one chunk.
func parseChunk(data []byte) (*chunk, error) {
	line, rest, ok := bytes.Cut(data, []byte("\r\n"))
	words := strings.SplitN(string(line), " ", 4)
	if !ok || len(words) < 3 || words[0] != "MSRP" {
		return nil, fmt.Errorf("no MSRP start line: %.40q", line)
	}
	c := &chunk{transaction: words[1], first: 1, total: -1}
	if status, err := strconv.Atoi(words[2]); err == nil {
		c.status = status
	} else {
		c.method = words[2]
	}
	mark := "-------" + c.transaction
	end := len(rest) - len(mark) - 3
	if end < 0 || string(rest[end:end+len(mark)]) != mark || string(rest[len(rest)-2:]) != "\r\n" {
		return nil, fmt.Errorf("no end line for %s", c.transaction)
	}
	c.flag = rest[end+len(mark)]
	if !strings.ContainsRune("$+#", rune(c.flag)) {
		return nil, fmt.Errorf("continuation flag %q", c.flag)
	}
	rest = rest[:end]
	for len(rest) > 0 {
		line, after, ok := bytes.Cut(rest, []byte("\r\n"))
		if !ok {
			return nil, fmt.Errorf("unfinished header %.40q", line)
		}
		rest = after
		if len(line) == 0 {
			if len(rest) < 2 || string(rest[len(rest)-2:]) != "\r\n" {
				return nil, fmt.Errorf("no line end behind the body")
			}
			c.body = rest[:len(rest)-2]
			return c, nil
		}
		if err := c.header(string(line)); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *chunk) header(line string) error {
	name, value, ok := strings.Cut(line, ": ")
	if !ok {
		return fmt.Errorf("header %.40q", line)
	}
	switch strings.ToLower(name) {
	case "to-path":
		c.toPath = value
	case "from-path":
		c.fromPath = value
	case "message-id":
		c.messageID = value
	case "content-type":
		c.contentType = value
	case "content-disposition":
		c.disposition = value
	case "byte-range":
		span, total, ok := strings.Cut(value, "/")
		first, _, ok2 := strings.Cut(span, "-")
		var err error
		if c.first, err = strconv.ParseInt(first, 10, 64); err != nil || !ok || !ok2 || c.first < 1 {
			return fmt.Errorf("Byte-Range %q", value)
		}
		if total != "*" {
			if c.total, err = strconv.ParseInt(total, 10, 64); err != nil {
				return fmt.Errorf("Byte-Range %q", value)
			}
		}
	}
	return nil
}

// bytes writes a request with its body. The transaction id is random and long: it does not occur in the body by chance.
func (c *chunk) bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "MSRP %s %s\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: %s\r\n", c.transaction, c.method, c.toPath, c.fromPath, c.messageID)
	fmt.Fprintf(&b, "Byte-Range: %d-%d/%d\r\n", c.first, c.first+int64(len(c.body))-1, c.total)
	if c.disposition != "" {
		fmt.Fprintf(&b, "Content-Disposition: %s\r\n", c.disposition)
	}
	fmt.Fprintf(&b, "Content-Type: %s\r\n\r\n", c.contentType)
	b.Write(c.body)
	fmt.Fprintf(&b, "\r\n-------%s%c\r\n", c.transaction, c.flag)
	return b.Bytes()
}

// response answers a request: it goes to the last hop only.
func (c *chunk) response(status int, reason, own string) []byte {
	hop, _, _ := strings.Cut(c.fromPath, " ")
	return []byte(fmt.Sprintf("MSRP %s %d %s\r\nTo-Path: %s\r\nFrom-Path: %s\r\n-------%s$\r\n", c.transaction, status, reason, hop, own, c.transaction))
}
