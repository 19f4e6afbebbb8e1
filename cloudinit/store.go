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

// Store is where a machine gets its agent and releases from.
type Store interface {
	// settings are what the agent's package store opens it with.
	settings() store.Settings
	// origin is where the bootstrap fetches the agent.
	origin() origin
	// files are what the store is read with, if anything.
	files() ([]File, error)
}

// origin is a store as the bootstrap takes it: the path of a folder, or the URL of
// a bucket and what requests to it are signed with.
type origin struct{ url, region, key, metadata string }

// AgentKey is the object that is the agent's binary.
func AgentKey(id service.ReleaseID) string { return "agents/" + string(id) }

// StoreFolder is where a FolderStore is mounted on the machine.
const StoreFolder = "/srv/escala/releases"

// FolderStore is a release store that is mounted at StoreFolder.
type FolderStore struct{}

func (FolderStore) settings() store.Settings { return store.Settings{Folder: StoreFolder} }
func (FolderStore) origin() origin           { return origin{url: StoreFolder} }
func (FolderStore) files() ([]File, error)   { return nil, nil }

// S3Store is an S3 bucket that the machine reads with the role that it was
// given.
type S3Store struct {
	Bucket, Region string
	// Endpoint is the bucket's URL, without a slash at its end. Default: S3's
	// own for the bucket and the region.
	Endpoint string
	// Metadata is the instance metadata service's URL, without a slash at its
	// end. Default: AWS's own.
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

// SpacesStore is a bucket of DigitalOcean Spaces that the machine reads, and one
// that it writes to, with a key for these two alone. The key stands in user-data, where the
// machine's root and each account that may read the Droplet's metadata see it:
// Droplets have no roles. It is kept from the service's user (see
// MetadataOnlyRoot).
type SpacesStore struct {
	Bucket, Region string
	// Machines is the bucket that the machine writes to.
	Machines string
	// AccessKey and SecretKey are that key's.
	AccessKey, SecretKey string
	// Endpoint is the region's URL, without a slash at its end, before which the
	// bucket's name is the path. Default: DigitalOcean's own for the bucket and
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
	key, err := json.MarshalIndent(host.StoreKey{Access: s.AccessKey, Secret: s.SecretKey}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the release store's key: %w", err)
	}
	return []File{{Path: host.StoreKeyFile, Content: string(key) + "\n", RootOnly: true}}, nil
}
