package store

import (
	"context"
	"errors"
)

// Read returns what a machine wrote. The gate reads it with the stack's own
// credentials.
func Read(ctx context.Context, s Store, name string) ([]byte, error) {
	machine, ok := s.(*store)
	if !ok {
		return nil, errors.New("it is another store")
	}
	key, err := machine.key(name)
	if err != nil {
		return nil, err
	}
	return read(ctx, machine.machines, key, MaxObject)
}
