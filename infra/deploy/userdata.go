package deploy

import (
	"bytes"
	"compress/gzip"
	"fmt"

	"escala/cloudinit"
)

// UserDataLimit describes how a cloud accepts user-data.
type UserDataLimit struct {
	// Bytes is the largest size that the cloud accepts.
	Bytes int
	// Gzip compresses the user-data, which cloud-init recognises. It is only
	// for a cloud that accepts bytes and not only text.
	Gzip bool
}

// UserData renders a machine's user-data in the form that its cloud accepts. The
// result depends only on the machine.
func (l UserDataLimit) UserData(m cloudinit.Machine) ([]byte, error) {
	data, err := m.UserData()
	if err != nil {
		return nil, fmt.Errorf("rendering the machine's user-data: %w", err)
	}
	if l.Gzip {
		if data, err = compressed(data); err != nil {
			return nil, fmt.Errorf("compressing the machine's user-data: %w", err)
		}
	}
	if len(data) > l.Bytes {
		return nil, fmt.Errorf("the machine's user-data has %d bytes, and the cloud accepts %d: shorten service.env or the secrets, the only large parts that you set", len(data), l.Bytes)
	}
	return data, nil
}

// compressed returns data in gzip form. The header has neither a name nor a
// time, so the result depends only on data.
func compressed(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
