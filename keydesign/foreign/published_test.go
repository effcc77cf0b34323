package foreign

import (
	"os"
	"testing"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// published imports an example that was published with its format.
func published(t *testing.T, format string) *schema.Schema {
	t.Helper()
	name := dir + "published/" + format + ".json"
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	im, err := formatOf(t, format).Read(name, data)
	if err != nil {
		t.Fatal(err)
	}
	return im.Schema
}

// The items that the README of OneTable says are written have keys of the templates.
func TestPublishedOneTable(t *testing.T) {
	s := published(t, "onetable")
	account, user := s.Template("Account").Item, s.Template("User").Item
	matches(t, account.PK, "account:01H5ZKQZ0P8FQ3X0C3YB1W5T9A")
	matches(t, account.SK, "account:")
	matches(t, user.PK, "account:Acme Airplanes")
	matches(t, user.SK, "user:coy@acme.com")
	if x := user.Indexes[0]; x.Name != "gs1" || x.Local {
		t.Errorf("the first index is %+v", x)
	} else {
		matches(t, x.PK, "user-email:coy@acme.com")
		matches(t, x.SK, "user:")
	}
	if x := account.Indexes[0]; x.Name != "ls1" || !x.Local {
		t.Errorf("the index of accounts is %+v", x)
	}
}

// ElectroDB 1.12.1 puts these keys for its own example.
func TestPublishedElectroDB(t *testing.T) {
	s := published(t, "electrodb")
	for _, c := range []struct{ template, pk, sk, indexPK, indexSK string }{
		{
			"employees", "$taskapp#organizationid_o1", "$employees_1#employeeid_e2",
			"$taskapp#employeeid_e2", "$contributions#employees_1",
		},
		{
			"tasks", "$taskapp#projectid_p1", "$overview#tasks_1#taskid_t2",
			"$taskapp#employeeid_e3", "$contributions#assignments#tasks_1#projectid_p1",
		},
		{
			"projectMembers", "$taskapp#projectid_p1", "$overview#projectmembers_1#employeeid_e2",
			"$taskapp#employeeid_e2", "$contributions#assignments#projectmembers_1",
		},
	} {
		item := s.Template(c.template).Item
		matches(t, item.PK, c.pk)
		matches(t, item.SK, c.sk)
		matches(t, item.Indexes[0].PK, c.indexPK)
		matches(t, item.Indexes[0].SK, c.indexSK)
	}
}
