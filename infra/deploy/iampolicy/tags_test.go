package iampolicy

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"escala/service"
)

func TestCheckTags(t *testing.T) {
	many := map[string]string{}
	for i := range 41 {
		many[fmt.Sprintf("tag%02d", i)] = "x"
	}
	for name, tt := range map[string]struct {
		tags map[string]string
		says []string
	}{
		"good":            {map[string]string{"Cost Center": "a/b=c", "Größe": "ñ", "Project": "mine"}, nil},
		"reserved":        {map[string]string{"AWS:x": "y", "eks:x": "y"}, []string{`t.AWS:x: begins with "aws:"`, `t.eks:x: begins with "eks:"`}},
		"case":            {map[string]string{"project": "x", "Team": "a", "team": "b"}, []string{`t.project: differs from the tag "Project" only in case`, `t.team: differs from the tag "Team" only in case`}},
		"characters":      {map[string]string{"a#b": "x", "note": "50 % off!"}, []string{"t.a#b: has a character", "t.note: has a character"}},
		"too many":        {many, []string{"t: has 41 tags; 40 at most"}},
		"without any key": {map[string]string{"": "x"}, []string{"is not a tag of 1 to 128"}},
	} {
		t.Run(name, func(t *testing.T) {
			var v service.Violations
			CheckTags(&v, "t", tt.tags, "eks:")
			assert.Len(t, v, len(tt.says))
			for _, says := range tt.says {
				assert.ErrorContains(t, v.Err(), says)
			}
		})
	}
}
