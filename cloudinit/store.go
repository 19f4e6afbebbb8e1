package cloudinit

// Store is where a machine gets releases from. On the machine it is one
// program, "store get KEY FILE"; that is the whole seam.
type Store interface {
	program() string
}

// StoreFolder is where a FolderStore is mounted on the machine.
const StoreFolder = "/srv/escala/releases"

// FolderStore is a release store that is mounted at StoreFolder.
type FolderStore struct{}

func (FolderStore) program() string { return storeFolder }
