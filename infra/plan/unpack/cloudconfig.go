package unpack

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"strings"

	"go.yaml.in/yaml/v3"

	"escala/infra/plan"
)

// CloudConfig is the name of the entry for all parts of a cloud-config other than its
// files.
const CloudConfig = "cloud-config"

// userData returns the files in user-data. User-data is a cloud-config, a
// script, or a MIME message with several parts ("User data formats" of
// cloud-init).
func userData(data []byte) ([]plan.File, error) {
	first, _, _ := strings.Cut(string(data), "\n")
	switch {
	case strings.HasPrefix(first, "#!"):
		return []plan.File{{Path: "user-data script", Mode: "0700", Raw: string(data)}}, nil
	case strings.HasPrefix(first, "## template: jinja"):
		// Only the machine knows the values of the template's variables.
		_, rest, _ := bytes.Cut(data, []byte("\n"))
		return userData(rest)
	case strings.HasPrefix(first, "#cloud-config-archive"), !strings.HasPrefix(first, "#cloud-config") && !isMIME(data):
		return nil, fmt.Errorf("user-data begins with %q, which is not a supported format", first)
	case isMIME(data):
		return parts(data)
	default:
		return cloudConfig(data)
	}
}

func isMIME(data []byte) bool {
	head := strings.ToLower(string(data[:min(len(data), 512)]))
	return strings.HasPrefix(head, "content-type: multipart/") || strings.HasPrefix(head, "mime-version:")
}

// parts returns the files of all parts of a MIME message.
func parts(data []byte) ([]plan.File, error) {
	reader := bufio.NewReader(bytes.NewReader(data))
	header, err := textproto.NewReader(reader).ReadMIMEHeader()
	if err != nil {
		return nil, fmt.Errorf("reading the parts of the user-data: %w", err)
	}
	_, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return nil, fmt.Errorf("reading the parts of the user-data: %w", err)
	}
	var files []plan.File
	mr := multipart.NewReader(reader, params["boundary"])
	for {
		part, err := mr.NextPart()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return files, fmt.Errorf("reading the parts of the user-data: %w", err)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return files, fmt.Errorf("reading the parts of the user-data: %w", err)
		}
		if part.Header.Get("Content-Transfer-Encoding") == "base64" {
			if content, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(content)), "")); err != nil {
				return files, fmt.Errorf("decoding a part of the user-data: %w", err)
			}
		}
		inner, err := userData(content)
		if err != nil {
			return files, err
		}
		files = append(files, inner...)
	}
}

// cloudConfig returns the files that a cloud-config writes. The other keys
// become one entry named CloudConfig.
func cloudConfig(data []byte) ([]plan.File, error) {
	var config struct {
		WriteFiles []struct {
			Path        string `yaml:"path"`
			Content     string `yaml:"content"`
			Encoding    string `yaml:"encoding"`
			Permissions string `yaml:"permissions"`
			Owner       string `yaml:"owner"`
			Defer       bool   `yaml:"defer"`
			Append      bool   `yaml:"append"`
		} `yaml:"write_files"`
	}
	var rest map[string]any
	if err := errors.Join(yaml.Unmarshal(data, &config), yaml.Unmarshal(data, &rest)); err != nil {
		return nil, fmt.Errorf("reading the cloud-config: %w", err)
	}
	var files []plan.File
	for _, f := range config.WriteFiles {
		content, err := decoded(f.Content, f.Encoding)
		if err != nil {
			return files, fmt.Errorf("decoding %s: %w", f.Path, err)
		}
		files = append(files, plan.File{Path: f.Path, Mode: f.Permissions, Owner: f.Owner, Defer: f.Defer, Append: f.Append, Raw: content})
	}
	delete(rest, "write_files")
	if len(rest) > 0 {
		out, err := yaml.Marshal(rest)
		if err != nil {
			return files, fmt.Errorf("writing the rest of the cloud-config: %w", err)
		}
		files = append(files, plan.File{Path: CloudConfig, Raw: string(out)})
	}
	return files, nil
}

// decoded decodes a file's content. The names of the encodings are
// cloud-init's.
func decoded(content, encoding string) (string, error) {
	switch strings.ToLower(encoding) {
	case "", "text/plain":
		return content, nil
	case "b64", "base64":
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(content), ""))
		return string(data), err
	case "gz", "gzip":
		data, err := gunzip([]byte(content))
		return string(data), err
	case "gz+b64", "gz+base64", "gzip+b64", "gzip+base64":
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(content), ""))
		if err != nil {
			return "", err
		}
		data, err = gunzip(data)
		return string(data), err
	default:
		return "", fmt.Errorf("the encoding %q is not one of cloud-init's", encoding)
	}
}
