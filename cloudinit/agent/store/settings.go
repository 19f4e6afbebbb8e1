package store

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"escala/cloudinit/agent/sigv4"
)

// Settings describe a machine's store. Exactly one of the three is set.
type Settings struct {
	// Folder is the mount point of the store.
	Folder string `json:"folder,omitempty"`
	// Shared is the mount point of the folder that machines write to, beside
	// Folder. Default Folder.
	Shared string  `json:"shared,omitempty"`
	S3     *S3     `json:"s3,omitempty"`
	Spaces *Spaces `json:"spaces,omitempty"`
}

// S3 is one bucket for everything. The machine's role can read it and write to
// it.
type S3 struct {
	Bucket string `json:"bucket"`
	Region string `json:"region"`
	// Endpoint is the bucket's URL, without a trailing slash. Default: S3's own
	// for the bucket and the region.
	Endpoint string `json:"endpoint,omitempty"`
}

// Spaces are two buckets, because a key's permission to read or write applies
// to a whole bucket and not to a part of one ("Create a New Spaces Access Key":
// grants of read, readwrite or fullaccess to a bucket). A bucket with such a
// key accepts no policy ("Configure Bucket Policies").
type Spaces struct {
	// Releases is the bucket that machines only read. Machines is the bucket
	// that they write to.
	Releases string `json:"releases"`
	Machines string `json:"machines"`
	Region   string `json:"region"`
	// Endpoint is the region's URL, without a trailing slash. A bucket's name
	// is appended as the path. Default: DigitalOcean's own for the region, with
	// the name in the host.
	Endpoint string `json:"endpoint,omitempty"`
}

// Access holds the credentials for the store.
type Access struct {
	// Role holds the credentials of the machine's role on AWS.
	Role sigv4.Credentials
	// Key is the machine's key for Spaces.
	Key sigv4.Credentials
}

// Open returns the store of the machine with this id.
func (s Settings) Open(id string, access Access) (Store, error) {
	switch {
	case s.Folder != "" && s.S3 == nil && s.Spaces == nil:
		return New(Folder(s.Folder), Folder(s.Folder), id)
	case s.Folder == "" && s.S3 != nil && s.Spaces == nil:
		bucket := s.S3.bucket(access.Role)
		return New(bucket, bucket, id)
	case s.Folder == "" && s.S3 == nil && s.Spaces != nil:
		client := &sigv4.Client{Service: "s3", Region: s.Spaces.Region, Credentials: access.Key}
		return New(
			Bucket{URL: s.Spaces.url(s.Spaces.Releases), Client: client},
			Bucket{URL: s.Spaces.url(s.Spaces.Machines), Client: client}, id)
	default:
		return nil, errors.New("the release store's settings: want exactly one of folder, s3 and spaces")
	}
}

// OpenShared returns the objects that the machines of a stack share.
func (s Settings) OpenShared(access Access) (*Shared, error) {
	switch {
	case s.Folder != "" && s.S3 == nil && s.Spaces == nil:
		return &Shared{Folder(cmp.Or(s.Shared, s.Folder))}, nil
	case s.Folder == "" && s.S3 != nil && s.Spaces == nil:
		return &Shared{s.S3.bucket(access.Role)}, nil
	case s.Folder == "" && s.S3 == nil && s.Spaces != nil:
		client := &sigv4.Client{Service: "s3", Region: s.Spaces.Region, Credentials: access.Key}
		return &Shared{Bucket{URL: s.Spaces.url(s.Spaces.Machines), Client: client}}, nil
	default:
		return nil, errors.New("the release store's settings: want exactly one of folder, s3 and spaces")
	}
}

// Objects returns the bucket for the operator, whose credentials are not the
// machine's.
func (s S3) Objects(credentials sigv4.Credentials) Objects { return s.bucket(credentials) }

// MachineObjects returns the bucket that machines write to, for the operator, whose
// credentials are not the machine's.
func (s Spaces) MachineObjects(credentials sigv4.Credentials) Objects {
	client := &sigv4.Client{Service: "s3", Region: s.Region, Credentials: credentials}
	return Bucket{URL: s.url(s.Machines), Client: client}
}

// ReleaseObjects returns the bucket that machines only read, for its operator.
func (s Spaces) ReleaseObjects(credentials sigv4.Credentials) Objects {
	client := &sigv4.Client{Service: "s3", Region: s.Region, Credentials: credentials}
	return Bucket{URL: s.url(s.Releases), Client: client}
}

func (s S3) bucket(role sigv4.Credentials) Bucket {
	endpoint := s.Endpoint
	if endpoint == "" {
		endpoint = fmt.Sprintf("https://%s.s3.%s.%s", s.Bucket, s.Region, awsDomain(s.Region))
	}
	return Bucket{URL: endpoint, Client: &sigv4.Client{Service: "s3", Region: s.Region, Credentials: role}}
}

func (s Spaces) url(bucket string) string {
	if s.Endpoint != "" {
		return s.Endpoint + "/" + bucket
	}
	return fmt.Sprintf("https://%s.%s.digitaloceanspaces.com", bucket, s.Region)
}

// awsDomain returns the domain of AWS endpoints in a region. China has its own.
func awsDomain(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}
