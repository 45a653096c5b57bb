package main

import (
	"sort"
	"time"
)

// outcome is what became of one call. Times are in milliseconds.
type outcome struct {
	Error     string
	Cause     string             // of its release, in the controller's words
	Failures  []string           // stages that the gateway reported as failed
	Stages    map[string]float64 // durations that the gateway reported
	AnswerMs  float64            // from our offer (or request to be called) to the controller's answer (or offer)
	OpenMs    float64            // … to the open channel
	TotalMs   float64            // … to the end of the exchange
	EchoMs    []float64
	ReleaseMs float64
	UpMBps    float64
	DownMBps  float64
	Garbage   int64
}

type figures struct {
	Count  int     `json:"count"`
	Median float64 `json:"median"`
	P95    float64 `json:"p95"`
	Max    float64 `json:"max"`
}

type report struct {
	Calls     int                `json:"calls"`
	Failed    int                `json:"failed"`
	ElapsedMs float64            `json:"elapsed_ms"`
	Errors    map[string]int     `json:"errors,omitempty"`
	Causes    map[string]int     `json:"causes"`
	Failures  map[string]int     `json:"stage_failures,omitempty"`
	AnswerMs  *figures           `json:"answer_ms,omitempty"`
	OpenMs    *figures           `json:"open_ms,omitempty"`
	TotalMs   *figures           `json:"total_ms,omitempty"`
	EchoMs    *figures           `json:"echo_ms,omitempty"`
	ReleaseMs *figures           `json:"release_ms,omitempty"`
	Stages    map[string]figures `json:"stages_ms,omitempty"`
	UpMBps    *figures           `json:"up_mbps,omitempty"`
	DownMBps  *figures           `json:"down_mbps,omitempty"`
	Garbage   int64              `json:"garbage_datagrams,omitempty"`
}

func figuresOf(values []float64) *figures {
	if len(values) == 0 {
		return nil
	}
	sort.Float64s(values)
	at := func(share float64) float64 { return values[int(share*float64(len(values)-1)+0.5)] }
	return &figures{len(values), at(0.5), at(0.95), values[len(values)-1]}
}

func summarise(outcomes []outcome, elapsed time.Duration) report {
	r := report{Calls: len(outcomes), ElapsedMs: float64(elapsed.Microseconds()) / 1000, Errors: map[string]int{}, Causes: map[string]int{},
		Failures: map[string]int{}, Stages: map[string]figures{}}
	collect := func(pick func(outcome) []float64) *figures {
		var values []float64
		for _, o := range outcomes {
			for _, v := range pick(o) {
				if v > 0 {
					values = append(values, v)
				}
			}
		}
		return figuresOf(values)
	}
	stages := map[string]bool{}
	for _, o := range outcomes {
		if o.Error != "" {
			r.Failed++
			r.Errors[o.Error]++
		}
		if o.Cause != "" {
			r.Causes[o.Cause]++
		}
		for _, f := range o.Failures {
			r.Failures[f]++
		}
		for stage := range o.Stages {
			stages[stage] = true
		}
		r.Garbage += o.Garbage
	}
	r.AnswerMs = collect(func(o outcome) []float64 { return []float64{o.AnswerMs} })
	r.OpenMs = collect(func(o outcome) []float64 { return []float64{o.OpenMs} })
	r.TotalMs = collect(func(o outcome) []float64 { return []float64{o.TotalMs} })
	r.EchoMs = collect(func(o outcome) []float64 { return o.EchoMs })
	r.ReleaseMs = collect(func(o outcome) []float64 { return []float64{o.ReleaseMs} })
	r.UpMBps = collect(func(o outcome) []float64 { return []float64{o.UpMBps} })
	r.DownMBps = collect(func(o outcome) []float64 { return []float64{o.DownMBps} })
	for stage := range stages {
		// A stage may take no time that can be told: a check may be there before its answer is.
		var values []float64
		for _, o := range outcomes {
			if v, told := o.Stages[stage]; told {
				values = append(values, v)
			}
		}
		r.Stages[stage] = *figuresOf(values)
	}
	return r
}
