package certificate

import (
	"context"
	"fmt"
	"time"
)

// ownCertificate is the operator's own certificate, in service.TLSCertificate mode. It comes
// from the stack's secrets, whose change makes a new machine.
type ownCertificate struct {
	pair *Pair
	read bool
	err  error
}

// round reads the certificate, unless that was done. A copy on the disk serves while
// the secrets cannot be read.
func (o *ownCertificate) round(ctx context.Context, k *Keeper) {
	name := FileName(k.Settings.Subjects[0])
	if o.pair == nil {
		if content, err := k.Disk.Read(name); err == nil {
			if pair, _, err := parseFile(content); err == nil {
				o.pair = &pair
			}
		}
	}
	if o.read {
		return
	}
	text, err := k.Secrets.Own(ctx)
	if err != nil {
		o.err = fmt.Errorf("reading the certificate: %w", err)
		return
	}
	pair, err := ParsePair([]byte(text))
	if err != nil {
		o.err = fmt.Errorf("service.tls.certificate: %w", err)
		return
	}
	o.pair, o.read, o.err = &pair, true, nil
	if err := k.Disk.Write(name, File(pair, nil)); err != nil {
		// The certificate is in the secrets as well.
		k.Log.Warn("keeping the certificate on the disk", "error", err)
	}
}

// covering returns the pair if its names include name.
func (o *ownCertificate) covering(name string) *Pair {
	if o.pair == nil || o.pair.Leaf.VerifyHostname(name) != nil {
		return nil
	}
	return o.pair
}

// problems returns the problems that an operator must know.
func (o *ownCertificate) problems(k *Keeper, now time.Time) []string {
	var all []string
	if o.err != nil {
		all = append(all, o.err.Error())
	}
	if o.pair == nil {
		return all
	}
	for _, name := range k.Settings.Subjects {
		if err := o.pair.Leaf.VerifyHostname(name); err != nil {
			all = append(all, "service.tls.certificate: "+err.Error())
		}
	}
	if left := o.pair.Leaf.NotAfter.Sub(now); left < o.pair.lifetime()/10 {
		word := "ends"
		if left <= 0 {
			word = "ended"
		}
		all = append(all, fmt.Sprintf("service.tls.certificate %s on %s; set the secret to its successor", word, o.pair.Leaf.NotAfter.UTC().Format(time.RFC3339)))
	}
	return all
}
