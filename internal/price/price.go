// Package price knows what DynamoDB costs: a list of prices, which is a dated file that the user can replace, and the arithmetic
// of capacity units. It knows no tables and no reports.
//
// The one idea is that no price is in code: each comes from a file that says of which region and day it is, and whoever prints an
// amount prints that with it.
package price

import (
	_ "embed"
	"fmt"
	"os"
	"time"

	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/kv"
)

// A List is what a file of prices holds, in USD.
type List struct {
	Region, Source string
	Dated          time.Time
	Standard, IA   Class
	// ReplicatedWrite is of a million write units in another region; the others are of a GB of 1e9 bytes, a month or once.
	ReplicatedWrite, PITR, Backup, Export float64
}

// A Class is what a class of tables costs.
type Class struct {
	WriteMillion, ReadMillion float64 // on-demand units
	WCUHour, RCUHour          float64 // provisioned units
	StorageGBMonth, FreeGB    float64
}

// Hours and seconds of the month that bills go by: 730 hours.
const (
	MonthHours   = 730
	MonthSeconds = MonthHours * 3600
	GB           = 1e9
)

//go:embed prices.yaml
var builtin []byte

// MaxSize is the size of a file of prices at most, in bytes.
const MaxSize = 1 << 16

// Builtin returns the prices that kvtool ships with.
func Builtin() *List {
	l, err := Parse("prices.yaml", builtin)
	if err != nil {
		panic(err) // a test reads it
	}
	return l
}

// Load returns the prices of a file; those that kvtool ships with if path is empty.
func Load(path string) (*List, error) {
	if path == "" {
		return Builtin(), nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, kv.WithHint(kv.Usagef("prices: %w", err), "kvtool simulate cost --print-prices > prices.yaml writes one to begin with")
	}
	return Parse(path, b)
}

// Text returns the file that kvtool ships with.
func Text() string { return string(builtin) }

// Parse reads the contents of a file, which errors call name.
func Parse(name string, data []byte) (*List, error) {
	n, err := yamlfile.Read(name, data, MaxSize)
	if err != nil {
		return nil, err
	}
	if n.Empty() {
		return nil, n.Errorf("is empty")
	}
	l := &List{}
	version := 0.0
	err = yamlfile.Keys{
		{Name: "version", Doc: "Version of this format.", Required: true, Value: yamlfile.Number(&version)},
		{Name: "region", Doc: "Region whose prices these are.", Required: true, Value: yamlfile.Text(&l.Region)},
		{Name: "dated", Doc: "Day of the prices.", Required: true, Value: yamlfile.Date(&l.Dated)},
		{Name: "source", Doc: "Where they are from.", Value: yamlfile.Text(&l.Source)},
		{Name: "standard", Doc: "Of tables of the class Standard.", Required: true, Value: l.Standard.keys().Value()},
		{Name: "standard_ia", Doc: "Of tables of the class Standard-Infrequent Access.", Required: true, Value: l.IA.keys().Value()},
		{Name: "replicated_write_million", Doc: "A million write units in another region.", Value: yamlfile.Number(&l.ReplicatedWrite)},
		{Name: "pitr_gb_month", Doc: "Continuous backups, a GB and month.", Value: yamlfile.Number(&l.PITR)},
		{Name: "backup_gb_month", Doc: "Backups on demand, a GB and month.", Value: yamlfile.Number(&l.Backup)},
		{Name: "export_gb", Doc: "Exports to S3, a GB.", Value: yamlfile.Number(&l.Export)},
	}.Read(n)
	if err == nil && version != 1 {
		err = n.Errorf("its version is not 1")
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

func (c *Class) keys() yamlfile.Keys {
	return yamlfile.Keys{
		{Name: "write_million", Doc: "A million on-demand write units.", Required: true, Value: yamlfile.Number(&c.WriteMillion)},
		{Name: "read_million", Doc: "A million on-demand read units.", Required: true, Value: yamlfile.Number(&c.ReadMillion)},
		{Name: "wcu_hour", Doc: "A provisioned write unit for an hour.", Required: true, Value: yamlfile.Number(&c.WCUHour)},
		{Name: "rcu_hour", Doc: "A provisioned read unit for an hour.", Required: true, Value: yamlfile.Number(&c.RCUHour)},
		{Name: "storage_gb_month", Doc: "A GB for a month.", Required: true, Value: yamlfile.Number(&c.StorageGBMonth)},
		{Name: "free_gb", Doc: "GB that are not billed.", Value: yamlfile.Number(&c.FreeGB)},
	}
}

// String names the list as it is to be printed beside amounts.
func (l *List) String() string {
	return fmt.Sprintf("list prices of %s, %s, USD", l.Region, l.Dated.Format(time.DateOnly))
}

// Class returns the prices of a class by its name.
func (l *List) Class(name string) *Class {
	if name == "standard-ia" {
		return &l.IA
	}
	return &l.Standard
}

// OnDemand returns what so many units a second cost in a month.
func (c *Class) OnDemand(reads, writes float64) float64 {
	return (reads*c.ReadMillion + writes*c.WriteMillion) * MonthSeconds / 1e6
}

// Provisioned returns what so many units a second cost in a month where they are bought, used or not.
func (c *Class) Provisioned(rcu, wcu float64) float64 {
	return (rcu*c.RCUHour + wcu*c.WCUHour) * MonthHours
}

// Storage returns what so many bytes cost in a month.
func (c *Class) Storage(bytes float64) float64 {
	return max(0, bytes/GB-c.FreeGB) * c.StorageGBMonth
}

// BreakEven returns from which share of use on provisioned write units are cheaper than on-demand ones.
func (c *Class) BreakEven() float64 {
	return c.WCUHour * 1e6 / (c.WriteMillion * 3600)
}
