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

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/recording"
	"escala/infra/engine/recording/clouds"
)

// cloud is one of the clouds that the same behaviour is asked of.
type cloud struct {
	stack string
	// section is the key of the target's settings.
	section string
	// machine, association and object are the types of resources.
	machine, association, object string
	// record makes the cloud's provider over a world.
	record func(w *world) *recording.Provider
	// beside are providers beside the cloud's own. Optional.
	beside []*recording.Provider
	// userData is a machine's, as cloud-init sees it.
	userData func(e recording.Event) (string, error)
}

var aws = cloud{
	stack: "aws-ec2", section: "aws",
	machine:     "aws:ec2/instance:Instance",
	association: "aws:ec2/eipAssociation:EipAssociation",
	object:      "aws:s3/bucketObjectv2:BucketObjectv2",
	userData: func(e recording.Event) (string, error) {
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
	userData:    func(e recording.Event) (string, error) { return text(e, "userData"), nil },
}

func init() {
	// Set here, for they call userData of the very values that they are part of.
	aws.record = func(w *world) *recording.Provider { return clouds.AWS(w.onAWS) }
	digitalOcean.record = func(w *world) *recording.Provider { return clouds.DigitalOcean(w.onDigitalOcean) }
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

// text is one of an event's inputs.
func text(e recording.Event, key string) string {
	s, _ := recording.Plain(e.Inputs)[key].(string)
	return s
}

func set(e *recording.Event, key, value string) {
	e.Outputs[resource.PropertyKey(key)] = resource.NewStringProperty(value)
}

// onAWS is what operations on AWS come to.
func (w *world) onAWS(e *recording.Event) error {
	switch e.Type {
	case aws.object:
		return w.onObject(e, "source")
	case aws.machine:
		if e.Operation == recording.Create {
			// An instance's id is known to its cloud-init.
			e.ID = "i-" + strconv.Itoa(len(w.since(0))+100)
		}
		return w.onMachine(e, aws, "publicIp")
	case "aws:ec2/eip:Eip":
		if e.Operation == recording.Create {
			set(e, "publicIp", w.allocate())
			set(e, "allocationId", text(recording.Event{Inputs: e.Outputs}, "publicIp"))
		}
	case aws.association:
		to, host := text(*e, "instanceId"), text(*e, "allocationId")
		if e.Operation == recording.Create {
			w.move(host, to)
			// The instance loses the address that it had by itself.
			w.machines[to].server.Close()
		}
		if e.Operation == recording.Delete {
			w.leave(host, to)
		}
	}
	return nil
}

// onDigitalOcean is what operations on DigitalOcean come to.
func (w *world) onDigitalOcean(e *recording.Event) error {
	switch e.Type {
	case digitalOcean.object:
		return w.onObject(e, "source")
	case digitalOcean.machine:
		return w.onMachine(e, digitalOcean, "ipv4Address")
	case "digitalocean:index/reservedIp:ReservedIp":
		if e.Operation == recording.Create {
			set(e, "ipAddress", w.allocate())
		}
	case digitalOcean.association:
		to, host := strconv.Itoa(int(recording.Plain(e.Inputs)["dropletId"].(float64))), text(*e, "ipAddress")
		if e.Operation == recording.Create {
			w.move(host, to)
		}
		if e.Operation == recording.Delete {
			w.leave(host, to)
		}
	}
	return nil
}

// onObject keeps an object of a bucket. A binary has to be on this computer when
// it is uploaded.
func (w *world) onObject(e *recording.Event, source string) error {
	bucket, key := text(*e, "bucket"), text(*e, "key")
	switch e.Operation {
	case recording.Create, recording.Update:
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
	case recording.Delete:
		w.drop(bucket, key)
	case recording.Read:
	}
	return nil
}

func (w *world) onMachine(e *recording.Event, c cloud, own string) error {
	switch e.Operation {
	case recording.Create:
		userData, err := c.userData(*e)
		if err != nil {
			return err
		}
		host, err := w.boot(e.ID, userData)
		if err != nil {
			return err
		}
		set(e, own, host)
	case recording.Delete:
		w.terminate(e.ID)
	case recording.Update, recording.Read:
	}
	return nil
}
