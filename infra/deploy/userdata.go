package deploy

import (
	"bytes"
	"compress/gzip"
	"fmt"

	"escala/cloudinit"
)

// UserDataLimit is how a cloud takes user-data, and how much of it.
type UserDataLimit struct {
	// Bytes is the most that the cloud takes.
	Bytes int
	// Gzip says that cloud-init gets it compressed, which it recognises. Only
	// for a cloud that carries bytes and not text.
	Gzip bool
}

// UserData renders a machine's user-data as its cloud takes it. The same
// machine gives the same bytes.
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
		return nil, fmt.Errorf("the machine's user-data has %d bytes, and the cloud takes %d: the only large parts that are yours are service.env and the secrets", len(data), l.Bytes)
	}
	return data, nil
}

// compressed has neither a name nor a time in its header, so it depends on
// nothing but data.
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
