// Package command holds the commands of the reference engine: what each does with its arguments, file by file as Redis groups them.
// What COMMAND says of them is not here but in package engine's facts.
//
// The one idea is that a handler is a function of a call: it reads arguments, asks for keys, which are locked already, and answers
// in the order in which Redis does, so that replies and errors are the same bytes.
package command

import (
	"slices"

	"github.com/kvtool/kvtool/adapters/reference/engine"
)

// Table returns all commands.
func Table() []engine.Command {
	return slices.Concat(
		connectionCommands(),
		pubsubCommands(),
		serverCommands(),
		transactionCommands(),
		stringCommands(),
		bitCommands(),
		genericCommands(),
		sortCommands(),
		dumpCommands(),
		hashCommands(),
		hllCommands(),
		listCommands(),
		setCommands(),
		zsetCommands(),
		zsetRangeCommands(),
		zsetAlgebraCommands(),
		geoCommands(),
	)
}
