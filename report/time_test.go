package report

import (
	"testing"
	"time"
)

// A time is written to the second, whatever fraction of one it has.
func TestTimeIsExact(t *testing.T) {
	at := time.Unix(1795741234, 567_000_000)
	b, err := Time(at).MarshalJSON()
	if err != nil || string(b) != "1795741234" {
		t.Errorf("%s, %v", b, err)
	}
}
