package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

var (
	gotFile  = regexp.MustCompile(`^received up\.bin: (\d+) bytes, SHA-256 ([0-9a-f]{64})$`)
	giveFile = regexp.MustCompile(`^sending down\.bin: (\d+) bytes, SHA-256 ([0-9a-f]{64})$`)
)

// noise is the content of the file that is sent: cheap to make, and different at every offset.
func noise(at int64, piece []byte) {
	var word [8]byte
	for i := range piece {
		offset := uint64(at) + uint64(i)
		if i == 0 || offset%8 == 0 {
			x := (offset / 8) * 0x9e3779b97f4a7c15
			binary.LittleEndian.PutUint64(word[:], x^x>>29)
		}
		piece[i] = word[offset%8]
	}
}

// transfer sends a file, then has the bot make one of the same size; the hashes must be equal both ways.
func (c *call) transfer() error {
	if c.settings.direction != "down" {
		if err := c.up(c.settings.bytes); err != nil {
			return fmt.Errorf("up: %w", err)
		}
	}
	if c.settings.direction != "up" {
		if err := c.down(c.settings.bytes); err != nil {
			return fmt.Errorf("down: %w", err)
		}
	}
	return nil
}

func (c *call) up(size int64) error {
	if err := c.msrp.sendText("/quiet"); err != nil { // the bot does not send our file back
		return err
	}
	sum := sha256.New()
	begin := time.Now()
	disposition := fmt.Sprintf("attachment; filename=\"up.bin\"; size=%d", size)
	err := c.msrp.send("application/octet-stream", disposition, size, func(at int64, piece []byte) {
		noise(at, piece)
		sum.Write(piece)
	})
	if err != nil {
		return err
	}
	if err = c.expect(gotFile, size, hex.EncodeToString(sum.Sum(nil))); err != nil {
		return err
	}
	c.outcome.UpMBps = float64(size) / 1e6 / time.Since(begin).Seconds()
	return c.msrp.sendText("/loud")
}

func (c *call) down(size int64) error {
	if err := c.msrp.sendText(fmt.Sprintf("/file %d down.bin", size)); err != nil {
		return err
	}
	promise, err := c.msrp.next(c.patience())
	if err != nil {
		return err
	}
	words := giveFile.FindStringSubmatch(promise.text)
	if words == nil {
		return fmt.Errorf("the bot says %.200q", promise.text)
	}
	file, err := c.msrp.next(c.patience())
	if err != nil {
		return err
	}
	if file.size != size || file.sha256 != words[2] {
		return fmt.Errorf("%d bytes with SHA-256 %s instead of %s", file.size, file.sha256, promise.text)
	}
	c.outcome.DownMBps = float64(size) / 1e6 / file.took.Sub(file.began).Seconds()
	return nil
}

// patience for a whole file: the step's time and, at worst, half a megabyte a second.
func (c *call) patience() time.Duration {
	return c.settings.timeout + time.Duration(c.settings.bytes/500_000)*time.Second
}

// expect takes the bot's text about a file.
func (c *call) expect(form *regexp.Regexp, size int64, hash string) error {
	said, err := c.msrp.next(c.patience())
	if err != nil {
		return err
	}
	words := form.FindStringSubmatch(said.text)
	if words == nil || words[1] != strconv.FormatInt(size, 10) || words[2] != hash {
		return fmt.Errorf("the bot says %.200q about %d bytes with SHA-256 %s", said.text, size, hash)
	}
	return nil
}
