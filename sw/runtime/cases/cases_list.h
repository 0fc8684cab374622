/* SPDX-License-Identifier: Apache-2.0 */
/* All cases: DRIVER_CASE(f, name) declares case_f(). */

/* cases_device.c */
DRIVER_CASE(open, "open checks identity and version before anything else")
DRIVER_CASE(callbacks, "open needs room for the handle and all but the optional callbacks")
DRIVER_CASE(arguments, "every function refuses missing arguments")
DRIVER_CASE(attempts, "the device is polled as often as requested and no more")
DRIVER_CASE(former_error, "an error of an earlier run is not reported for a later one")
DRIVER_CASE(configuration, "a program for another configuration is refused")
DRIVER_CASE(load, "load_program copies the words and sets addresses")
DRIVER_CASE(start, "start returns at once and wait sees the end")
DRIVER_CASE(interrupts, "interrupts are enabled once and cleared before a start and after an end")
DRIVER_CASE(wait, "wait waits for the interrupt first and reads STATUS only after it")
DRIVER_CASE(poll, "poll reads STATUS once and reports an end once")
DRIVER_CASE(handler, "the handler clears the interrupt and a waiting caller sees the end")
DRIVER_CASE(devices, "devices are independent of each other")
DRIVER_CASE(describe, "an error is described with cause and place")
DRIVER_CASE(accesses, "each access that fails is reported")
DRIVER_CASE(memory, "memory is where the callback says and caches are cleaned and invalidated")
DRIVER_CASE(info, "the driver knows the design that it has opened")
DRIVER_CASE(window, "window and watchdog are set while the device is idle")
DRIVER_CASE(zeros, "open waits for the zeros of memories with codes, not for a program")
DRIVER_CASE(scrub, "scrub is refused while busy, and waits for its end")
DRIVER_CASE(halves, "a counter that changes between its two halves is read consistently")
DRIVER_CASE(error, "wait reports an error of the device with cause and address")
DRIVER_CASE(reset, "reset waits until the device has let go")
DRIVER_CASE(dirty_bus, "nothing starts on a bus that owes answers until it gives them or is reset")
DRIVER_CASE(counters, "counters are 64 bits, low half first")
DRIVER_CASE(texts, "every code has its own text")

/* cases_image.c */
DRIVER_CASE(fields, "each field of an image is read from its place in the table")
DRIVER_CASE(full_image, "an image may be full to its last byte but not beyond")
DRIVER_CASE(busy_image, "an image is not loaded while a program runs")
DRIVER_CASE(loaded_image, "tensors go only to the image that is loaded, and not while it runs")
DRIVER_CASE(damaged_image, "damaged images are refused with a code")

/* cases_tensor.c */
DRIVER_CASE(planes, "each code is written to its place in the planes and read back")
DRIVER_CASE(floats, "real numbers become the nearest codes and are read back in steps of the scale")
DRIVER_CASE(sums, "sums of more digits than a float holds become the nearest float")
DRIVER_CASE(states, "a state begins with zeros, and goes from an output to an input of its kind")
DRIVER_CASE(contradictions, "a tensor that contradicts itself is not laid out")
