package dynamodb

import (
	"strings"
	"testing"

	"github.com/kvtool/kvtool/kv"
)

// examine opens a line to the table of a fake.
func examine(t *testing.T, f *fake) kv.Exam {
	t.Helper()
	s, err := tryOpen(t, serve(t, f)+"&pk=pk")
	if err != nil {
		t.Fatal(err)
	}
	e, err := kv.ExaminerOf(s)
	if err != nil {
		t.Fatal(err)
	}
	exams, err := e.Examine(t.Context())
	if err != nil || len(exams) != 1 {
		t.Fatal(exams, err)
	}
	return exams[0]
}

// A table tells its state and that of its indexes, and not whether it throttles; a hundred signs of life are a request or two.
func TestExam(t *testing.T) {
	updating := strings.Replace(fakeTable, `"ItemCount"`,
		`"TableStatus":"UPDATING","GlobalSecondaryIndexes":[{"IndexName":"by-mail","IndexStatus":"CREATING"},{"IndexName":"by-id","IndexStatus":"ACTIVE"}],"ItemCount"`, 1)
	f := &fake{answers: map[string][]string{
		"DescribeTable":             {updating},
		"DescribeContinuousBackups": {`200 {"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"ENABLED","PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":"DISABLED"}}}`},
	}}
	e := examine(t, f)
	v, err := e.Vitals(t.Context())
	if err != nil || v.Texts["table_status"] != "UPDATING" || v.Numbers["indexes_building"] != 1 || v.Texts["index"] != "by-mail CREATING" ||
		v.Numbers["keys"] != 1000 || v.Lacks["throttled_requests"] == "" {
		t.Fatalf("%+v, %v", v, err)
	}
	asked := len(f.asked)
	for range 100 {
		if _, err := e.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(f.asked) - asked; n > 20 {
		t.Errorf("100 signs of life were %d requests", n)
	}
	d, err := e.Details(t.Context(), v)
	if err != nil || d.Settings["point-in-time-recovery"] != "off" {
		t.Errorf("%+v, %v", d, err)
	}
}

// A user who may not describe the table learns why nothing is known.
func TestExamRefused(t *testing.T) {
	f := &fake{answers: map[string][]string{"DescribeTable": {failure(400, "AccessDeniedException", "")}}}
	e := examine(t, f)
	v, err := e.Vitals(t.Context())
	if err != nil || !strings.Contains(v.Lacks["info"], "AccessDenied") || len(v.Numbers) > 0 {
		t.Errorf("%+v, %v", v, err)
	}
	if d, err := e.Details(t.Context(), v); err != nil || d.Lacks["settings"] == "" {
		t.Errorf("%+v, %v", d, err)
	}
}
