package main

import (
	"bytes"
	"testing"
)

func TestChunkRoundTrip(t *testing.T) {
	sent := chunk{transaction: "a786hjs2", method: "SEND", toPath: "msrp://b;tcp", fromPath: "msrps://a;dc", messageID: "87652491",
		contentType: "text/plain", first: 11, total: 20, body: []byte("line\r\n\r\n-------a786hjs"), flag: '+'}
	got, err := parseChunk(sent.bytes())
	if err != nil {
		t.Fatal(err)
	}
	if got.method != "SEND" || got.toPath != sent.toPath || got.messageID != sent.messageID || got.first != 11 || got.total != 20 ||
		got.flag != '+' || !bytes.Equal(got.body, sent.body) {
		t.Errorf("%+v", got)
	}
}

func TestResponse(t *testing.T) {
	request := chunk{transaction: "d93kswow", fromPath: "msrp://relay;tcp msrp://b;tcp"}
	got, err := parseChunk(request.response(200, "OK", "msrps://a;dc"))
	if err != nil {
		t.Fatal(err)
	}
	if got.status != 200 || got.transaction != "d93kswow" || got.toPath != "msrp://relay;tcp" || got.fromPath != "msrps://a;dc" {
		t.Errorf("%+v", got)
	}
}

func TestBrokenChunks(t *testing.T) {
	whole := (&chunk{transaction: "abcd", method: "SEND", contentType: "text/plain", total: 2, first: 1, body: []byte("hi"), flag: '$'}).bytes()
	for cut := 0; cut < len(whole); cut++ {
		if _, err := parseChunk(whole[:cut]); err == nil {
			t.Errorf("%d of %d bytes were taken for a chunk", cut, len(whole))
		}
	}
	for _, bad := range []string{"", "MSRP", "MSRP a SEND\r\n-------b$\r\n", "MSRP a SEND\r\n-------a!\r\n", "MSRP a SEND\r\nByte-Range: 0-1/2\r\n-------a$\r\n",
		"MSRP a SEND\r\nnonsense\r\n-------a$\r\n", "MSRP a SEND\r\n\r\n-------a$\r\n"} {
		if _, err := parseChunk([]byte(bad)); err == nil {
			t.Errorf("%q was taken for a chunk", bad)
		}
	}
}
