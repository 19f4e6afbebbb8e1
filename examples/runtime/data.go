package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// The service's keys in Redis. Its first version counted in oldVisitsKey.
const (
	visitsKey    = "chat:visits"
	oldVisitsKey = "visits"
)

// move is a script that adds the old count to the new one. Redis runs a script as
// a whole, so a migration that is killed has moved all or nothing, and a second
// migration moves nothing.
var move = redis.NewScript(`
local old = redis.call("GETDEL", KEYS[1])
if old then redis.call("INCRBY", KEYS[2], old) end
return tonumber(old or 0)`)

// migrate moves the visits to their new key. Workers of the previous release
// still serve during the migration.
func migrate(ctx context.Context, client *redis.Client) error {
	moved, err := move.Run(ctx, client, []string{oldVisitsKey, visitsKey}).Int64()
	if err != nil {
		return fmt.Errorf("moving the visits: %w", err)
	}
	fmt.Printf("moved %d visits\n", moved)
	return nil
}

// report prints the number of visits, for the log.
func report(ctx context.Context, client *redis.Client) error {
	visits, err := client.Get(ctx, visitsKey).Int64()
	if err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("reading the visits: %w", err)
	}
	fmt.Printf("%d visits so far\n", visits)
	return nil
}
