package reference

import (
	"context"
	"errors"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// Examine answers for the engine itself: it has no connections, and nobody else whose commands it would count.
func (s *store) Examine(ctx context.Context) ([]kv.Exam, error) {
	session, err := s.Session(ctx, kv.SessionOptions{})
	if err != nil {
		return nil, err
	}
	return []kv.Exam{&exam{session}}, nil
}

// An exam asks over a session.
type exam struct{ session kv.Session }

// Place is empty: there is one engine.
func (e *exam) Place() string { return "" }

// Close ends the session.
func (e *exam) Close() error { return e.session.Close() }

// Ping asks for a PONG.
func (e *exam) Ping(context.Context) (time.Duration, error) {
	out := make([]kv.Result, 1)
	err := e.session.Do([]kv.Op{{Args: [][]byte{[]byte("PING")}}}, out)
	return out[0].Done - out[0].Sent, errors.Join(err, out[0].Err)
}

// Vitals asks for all sections of INFO.
func (e *exam) Vitals(context.Context) (*kv.Vitals, error) {
	out := make([]kv.Result, 1)
	if err := e.session.Do([]kv.Op{{Want: true, Args: [][]byte{[]byte("INFO"), []byte("all")}}}, out); err != nil {
		return nil, err
	}
	if out[0].Err != nil || len(out[0].Values) != 1 {
		return nil, errors.Join(errors.New("INFO was not answered"), out[0].Err)
	}
	v := kv.ParseVitals(string(out[0].Values[0]), time.Now())
	v.Product = "reference engine"
	return v, nil
}

// Details are none: it notes no slow calls.
func (e *exam) Details(context.Context, *kv.Vitals) (*kv.Details, error) {
	return &kv.Details{Lacks: map[string]string{}}, nil
}
