package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// measureStores holds the stores beside Redis to their bars, each against a client of its own server or against what drains the same bytes.
// One whose server is not there is left out by name.
func measureStores(ctx context.Context, b *bench, r *result) error {
	for _, store := range []func(context.Context, *bench, *result) error{measureMemcached, measureDynamoDB, measureBerkeleyDB} {
		err := store(ctx, b, r)
		var missing noServer
		switch {
		case errors.As(err, &missing):
			b.say("left out: %v", missing)
			r.data = strings.TrimSpace(fmt.Sprintf("%s Left out: %v.", r.data, missing))
		case err != nil:
			return err
		}
	}
	return nil
}

// A noServer is a server that cannot be had here, by name.
type noServer string

func (s noServer) Error() string { return string(s) + " is not installed here" }
