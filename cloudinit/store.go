package cloudinit

import (
	"cmp"
	"encoding/json"
	"fmt"

	"escala/cloudinit/agent/host"
	"escala/cloudinit/agent/instance"
	"escala/cloudinit/agent/store"
	"escala/service"
)

// Store is the source of a machine's agent and releases.
type Store interface {
	// settings returns the settings of the agent's package store.
	settings() store.Settings
	// origin returns the place from which the bootstrap fetches the agent.
	origin() origin
	// files returns the files that access to the store needs, such as a key.
	files() ([]File, error)
}

// origin is a store in the bootstrap's form. url is the path of a folder or the
// URL of a bucket. The other fields are for signing requests to a bucket.
type origin struct{ url, region, key, metadata string }

// AgentKey returns the key of the agent's binary in the store.
func AgentKey(id service.ReleaseID) string { return "agents/" + string(id) }

// StoreFolder is the mount point of a FolderStore on the machine.
const StoreFolder = "/srv/escala/releases"

// SharedFolder is the mount point of the folder that the machines of a FolderStore
// share and write to: their certificates, and which runs of schedules were taken.
// Only a machine with HTTPS or schedules needs it.
const SharedFolder = "/srv/escala/shared"

// FolderStore is a release store that is mounted at StoreFolder.
type FolderStore struct{}

func (FolderStore) settings() store.Settings { return store.Settings{Folder: StoreFolder} }
func (FolderStore) origin() origin           { return origin{url: StoreFolder} }
func (FolderStore) files() ([]File, error)   { return nil, nil }

// S3Store is an S3 bucket that the machine reads with its role.
type S3Store struct {
	Bucket, Region string
	// Endpoint is the bucket's URL, without a trailing slash. Default: S3's own
	// for the bucket and the region.
	Endpoint string
	// Metadata is the URL of the instance metadata service, without a trailing
	// slash. Default: AWS's own.
	Metadata string
}

func (s S3Store) settings() store.Settings {
	return store.Settings{S3: &store.S3{Bucket: s.Bucket, Region: s.Region, Endpoint: s.Endpoint}}
}

func (s S3Store) origin() origin {
	return origin{
		url:      cmp.Or(s.Endpoint, fmt.Sprintf("https://%s.s3.%s.%s", s.Bucket, s.Region, awsDomain(s.Region))),
		region:   s.Region,
		metadata: cmp.Or(s.Metadata, instance.DefaultURL),
	}
}

func (S3Store) files() ([]File, error) { return nil, nil }

// SpacesStore is a pair of DigitalOcean Spaces buckets: the machine reads one
// and writes to the other. One key is valid for these two alone. Droplets have
// no roles, so the key is in user-data. Root on the machine and each account
// that may read the Droplet's metadata can see it. The service's user cannot
// (see MetadataOnlyRoot).
type SpacesStore struct {
	Bucket, Region string
	// Machines is the bucket that the machine writes to.
	Machines string
	// AccessKey and SecretKey are the two parts of the key.
	AccessKey, SecretKey string
	// Endpoint is the region's URL, without a trailing slash. The bucket's name
	// is appended as the path. Default: DigitalOcean's own for the bucket and
	// the region.
	Endpoint string
}

func (s SpacesStore) settings() store.Settings {
	return store.Settings{Spaces: &store.Spaces{Releases: s.Bucket, Machines: s.Machines, Region: s.Region, Endpoint: s.Endpoint}}
}

func (s SpacesStore) origin() origin {
	url := fmt.Sprintf("https://%s.%s.digitaloceanspaces.com", s.Bucket, s.Region)
	if s.Endpoint != "" {
		url = s.Endpoint + "/" + s.Bucket
	}
	return origin{url: url, region: s.Region, key: host.StoreKeyFile}
}

func (s SpacesStore) files() ([]File, error) {
	key, err := json.MarshalIndent(host.StoreKey{Access: s.AccessKey, Secret: s.SecretKey}, "", "  ") //nolint:gosec // G117: a file that only root reads
	if err != nil {
		return nil, fmt.Errorf("writing the release store's key: %w", err)
	}
	return []File{{Path: host.StoreKeyFile, Content: string(key) + "\n", RootOnly: true}}, nil
}
