package cloudinit

import "fmt"

// Store is where a machine gets releases from. On the machine it is one
// program, "store get KEY FILE"; that is the whole seam.
type Store interface {
	program() string
	// files are what the program reads, if anything.
	files() ([]File, error)
}

// StoreFolder is where a FolderStore is mounted on the machine.
const StoreFolder = "/srv/escala/releases"

// FolderStore is a release store that is mounted at StoreFolder.
type FolderStore struct{}

func (FolderStore) program() string        { return storeFolder }
func (FolderStore) files() ([]File, error) { return nil, nil }

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

func (S3Store) program() string { return storeObjects }

func (s S3Store) files() ([]File, error) {
	endpoint := s.Endpoint
	if endpoint == "" {
		endpoint = fmt.Sprintf("https://%s.s3.%s.%s", s.Bucket, s.Region, awsDomain(s.Region))
	}
	settings, err := objectSettings(endpoint, s.Region)
	if err != nil {
		return nil, err
	}
	metadata, err := roleSettings(s.Metadata)
	if err != nil {
		return nil, err
	}
	return []File{settings, metadata, {Path: programsFolder + "credentials", Content: credentialsRole, Executable: true}}, nil
}

// SpacesStore is a bucket of DigitalOcean Spaces that the machine reads with a
// key that can read nothing else. The key stands in user-data, where the
// machine's root and whoever may read the Droplet's metadata see it: Droplets
// have no roles. It is kept from the service's user (see MetadataOnlyRoot).
type SpacesStore struct {
	Bucket, Region string
	// AccessKey and SecretKey are the read-only key's.
	AccessKey, SecretKey string
	// Endpoint is the bucket's URL, without a slash at its end. Default:
	// DigitalOcean's own for the bucket and the region.
	Endpoint string
}

func (SpacesStore) program() string { return storeObjects }

func (s SpacesStore) files() ([]File, error) {
	endpoint := s.Endpoint
	if endpoint == "" {
		endpoint = fmt.Sprintf("https://%s.%s.digitaloceanspaces.com", s.Bucket, s.Region)
	}
	settings, err := objectSettings(endpoint, s.Region)
	if err != nil {
		return nil, err
	}
	key, err := shellAssignments("# A key that can read the release store and nothing else.\n", "", map[string]string{
		"ACCESS_KEY": s.AccessKey,
		"SECRET_KEY": s.SecretKey,
	})
	if err != nil {
		return nil, fmt.Errorf("writing the release store's key: %w", err)
	}
	return []File{
		settings,
		{Path: "/etc/escala/store-key.conf", Content: key, RootOnly: true},
		{Path: programsFolder + "credentials", Content: credentialsKey, Executable: true},
	}, nil
}

// objectSettings is what store-objects.sh reads.
func objectSettings(endpoint, region string) (File, error) {
	content, err := shellAssignments("# Where releases come from.\n", "", map[string]string{
		"STORE_URL":    endpoint,
		"STORE_REGION": region,
	})
	if err != nil {
		return File{}, fmt.Errorf("writing the release store's settings: %w", err)
	}
	return File{Path: "/etc/escala/store.conf", Content: content}, nil
}

// roleSettings is what credentials-role.sh reads.
func roleSettings(metadata string) (File, error) {
	if metadata == "" {
		metadata = "http://169.254.169.254"
	}
	content, err := shellAssignments("# Where the machine's role is asked for.\n", "", map[string]string{"METADATA_URL": metadata})
	if err != nil {
		return File{}, fmt.Errorf("writing the metadata service's settings: %w", err)
	}
	return File{Path: "/etc/escala/metadata.conf", Content: content}, nil
}
