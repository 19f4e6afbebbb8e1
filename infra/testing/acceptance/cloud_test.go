package acceptance

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine"
	"escala/infra/engine/offline"
	"escala/infra/engine/offline/clouds"
	"escala/infra/testing/cloudfake"
)

// cloud is one of the clouds that must behave the same.
type cloud struct {
	stack string
	// section is the key of the target's settings.
	section string
	// machine, association and object are the types of these resources.
	machine, association, object string
	// record returns the cloud's provider over a world. Nil is a stack without
	// resources in a cloud.
	record func(w *world) *offline.Provider
	// extraProviders holds additional providers. Optional.
	extraProviders []*offline.Provider
	// plugins are providers that are processes. Optional.
	plugins []engine.Provider
	// gate is the time that the gate waits. Default 20 s.
	gate string
	// limit bounds each operation. Default 15 min.
	limit time.Duration
	// userData returns a machine's user-data as cloud-init sees it.
	userData func(e offline.Event) (string, error)
}

var aws = cloud{
	stack: "aws-ec2", section: "aws",
	machine:     "aws:ec2/instance:Instance",
	association: "aws:ec2/eipAssociation:EipAssociation",
	object:      "aws:s3/bucketObjectv2:BucketObjectv2",
	userData: func(e offline.Event) (string, error) {
		raw, err := base64.StdEncoding.DecodeString(text(e, "userDataBase64"))
		if err != nil {
			return "", fmt.Errorf("decoding user-data: %w", err)
		}
		z, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return "", fmt.Errorf("decompressing user-data: %w", err)
		}
		plain, err := io.ReadAll(z)
		return string(plain), err
	},
}

var digitalOcean = cloud{
	stack: "do-droplet", section: "digitalocean",
	machine:     "digitalocean:index/droplet:Droplet",
	association: "digitalocean:index/reservedIpAssignment:ReservedIpAssignment",
	object:      "digitalocean:index/spacesBucketObject:SpacesBucketObject",
	userData:    func(e offline.Event) (string, error) { return text(e, "userData"), nil },
}

func init() {
	// These fields are set here because they call userData of the values that
	// contain them.
	aws.record = func(w *world) *offline.Provider { return awsIn(cloudfake.NewAWS()).record(w) }
	digitalOcean.record = func(w *world) *offline.Provider { return clouds.DigitalOcean(w.onDigitalOcean) }
}

// awsIn returns AWS with an account that several stacks may share.
func awsIn(account *cloudfake.AWS) cloud {
	c := aws
	c.record = func(w *world) *offline.Provider {
		w.aws = account
		return account.Provider(w.onAWS)
	}
	return c
}

// everyCloud runs a test for each cloud.
func everyCloud(t *testing.T, test func(t *testing.T, c cloud)) {
	t.Helper()
	for _, c := range []cloud{aws, digitalOcean} {
		t.Run(c.stack, func(t *testing.T) {
			t.Parallel()
			test(t, c)
		})
	}
}

// text returns one of an event's inputs.
func text(e offline.Event, key string) string {
	s, _ := offline.Plain(e.Inputs)[key].(string)
	return s
}

func set(e *offline.Event, key, value string) {
	e.Outputs[resource.PropertyKey(key)] = resource.NewStringProperty(value)
}

// onAWS simulates the effects of operations on AWS.
func (w *world) onAWS(e *offline.Event) error {
	switch e.Type {
	case aws.object:
		return w.onObject(e, "source")
	case aws.machine:
		if e.Operation == offline.Create {
			// Cloud-init knows the id of its instance.
			e.ID = "i-" + strconv.Itoa(len(w.since(0))+100)
		}
		return w.onMachine(e, aws, "publicIp")
	case "aws:ec2/eip:Eip":
		if e.Operation == offline.Create {
			set(e, "publicIp", w.allocate())
			set(e, "allocationId", text(offline.Event{Inputs: e.Outputs}, "publicIp"))
		}
	case aws.association:
		to, host := text(*e, "instanceId"), text(*e, "allocationId")
		if e.Operation == offline.Create {
			w.move(host, to)
			// The instance loses its automatic address.
			w.machines[to].server.Close()
		}
		if e.Operation == offline.Delete {
			w.undoMove(host, to)
		}
	}
	return nil
}

// onDigitalOcean simulates the effects of operations on DigitalOcean.
func (w *world) onDigitalOcean(e *offline.Event) error {
	switch e.Type {
	case digitalOcean.object:
		return w.onObject(e, "source")
	case digitalOcean.machine:
		return w.onMachine(e, digitalOcean, "ipv4Address")
	case "digitalocean:index/reservedIp:ReservedIp":
		if e.Operation == offline.Create {
			set(e, "ipAddress", w.allocate())
		}
	case digitalOcean.association:
		to, host := strconv.Itoa(int(offline.Plain(e.Inputs)["dropletId"].(float64))), text(*e, "ipAddress")
		if e.Operation == offline.Create {
			w.move(host, to)
		}
		if e.Operation == offline.Delete {
			w.undoMove(host, to)
		}
	}
	return nil
}

// onObject stores an object in a bucket. A binary must be on this computer when
// it is uploaded.
func (w *world) onObject(e *offline.Event, source string) error {
	bucket, key := text(*e, "bucket"), text(*e, "key")
	switch e.Operation {
	case offline.Create, offline.Update:
		content := text(*e, "content")
		if v := e.Inputs[resource.PropertyKey(source)]; v.IsAsset() || v.IsString() {
			path := text(*e, source)
			if v.IsAsset() {
				path = v.AssetValue().Path
			}
			binary, err := os.ReadFile(path)
			if err != nil {
				return fmt.Errorf("uploading %s: %w", key, err)
			}
			content = string(binary)
		}
		w.put(bucket, key, content)
	case offline.Delete:
		w.drop(bucket, key)
	case offline.Read:
	}
	return nil
}

func (w *world) onMachine(e *offline.Event, c cloud, own string) error {
	switch e.Operation {
	case offline.Create:
		userData, err := c.userData(*e)
		if err != nil {
			return err
		}
		host, err := w.boot(e.ID, userData)
		if err != nil {
			return err
		}
		set(e, own, host)
	case offline.Delete:
		w.terminate(e.ID)
	case offline.Update, offline.Read:
	}
	return nil
}
