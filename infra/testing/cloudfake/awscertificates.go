package cloudfake

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	"escala/infra/engine/offline"
	"escala/infra/engine/offline/clouds"
)

// TimeOutCertificates makes the validation of all certificates that are not issued
// time out, as ACM does after 72 hours.
func (a *AWS) TimeOutCertificates() {
	for _, certificate := range a.OfType(awsCertificate) {
		if text(certificate.Inputs, "domainName") != "" && !a.validated(certificate.ID) {
			a.mu.Lock()
			a.timedOut[certificate.ID] = true
			a.mu.Unlock()
		}
	}
}

func (a *AWS) hasTimedOut(arn string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.timedOut[arn]
}

// keyOf returns the type and size of an imported certificate's key, or "".
func keyOf(certificate offline.Event) string {
	block, _ := pem.Decode([]byte(text(certificate.Inputs, "certificateBody")))
	if block == nil {
		return ""
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err.Error()
	}
	switch key := leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return key.Curve.Params().Name
	default:
		return leaf.PublicKeyAlgorithm.String()
	}
}

// validated reports whether the record that validates a certificate's name exists.
func (a *AWS) validated(arn string) bool {
	a.mu.Lock()
	seen := !a.undelegated && !a.timedOut[arn]
	a.mu.Unlock()
	if !seen {
		return false
	}
	for _, certificate := range a.OfType(awsCertificate) {
		if certificate.ID != arn {
			continue
		}
		record, value := clouds.ValidationRecord(text(certificate.Inputs, "domainName"))
		return slices.ContainsFunc(a.OfType(awsRecord), func(e offline.Event) bool {
			values, _ := offline.Plain(e.Inputs)["records"].([]any)
			return strings.TrimSuffix(text(e.Inputs, "name"), ".") == record && len(values) == 1 && strings.TrimSuffix(fmt.Sprint(values[0]), ".") == value
		})
	}
	return false
}

// isIssued reports whether a listener can use a certificate. A certificate that is
// not in the account counts as issued: it was created outside of the stack.
func (a *AWS) isIssued(arn string) bool {
	for _, certificate := range a.OfType(awsCertificate) {
		if certificate.ID == arn {
			return text(certificate.Inputs, "domainName") == "" || a.validated(arn)
		}
	}
	return true
}

// listenerCertificates returns the ARNs that IngressClassParams name.
func listenerCertificates(params offline.Event) []string {
	spec, _ := offline.Plain(params.Inputs)["spec"].(map[string]any)
	list, _ := spec["certificateARNs"].([]any)
	var arns []string
	for _, one := range list {
		arns = append(arns, fmt.Sprint(one))
	}
	return arns
}
