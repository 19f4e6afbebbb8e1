package kube

import (
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Decode decodes an object.
func Decode[T any](o *unstructured.Unstructured) (T, error) {
	var into T
	content, err := o.MarshalJSON()
	if err == nil {
		err = json.Unmarshal(content, &into)
	}
	if err != nil {
		return into, fmt.Errorf("reading %s %s/%s: %w", o.GetKind(), o.GetNamespace(), o.GetName(), err)
	}
	return into, nil
}

// Service is an address in the cluster.
type Service struct {
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		ClusterIP string
		Ports     []ServicePort
	}
}

// ServicePort is one port of a Service.
type ServicePort struct {
	Name     string
	Protocol string
	Port     int
}

// EndpointSlice holds addresses of a Service's pods.
type EndpointSlice struct {
	metav1.ObjectMeta `json:"metadata"`

	AddressType string
	Endpoints   []struct {
		Addresses  []string
		Conditions struct{ Ready, Serving, Terminating *bool }
	}
	Ports []struct {
		Name     string
		Protocol string
		Port     int
	}
}

// ServiceLabel is the label of an EndpointSlice with the name of its Service.
const ServiceLabel = "kubernetes.io/service-name"

// Ingress routes hosts and paths to Services.
type Ingress struct {
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		Rules []struct {
			Host string
			HTTP struct {
				Paths []struct {
					Path, PathType string
					Backend        struct {
						Service struct {
							Name string
							Port struct {
								Name   string
								Number int
							}
						}
					}
				}
			}
		}
	}
}

// Node is a machine that runs pods.
type Node struct {
	metav1.ObjectMeta `json:"metadata"`

	Spec struct{ Unschedulable bool }
}

// Port is a number or the name of one of a container's ports.
type Port = intstr.IntOrString
