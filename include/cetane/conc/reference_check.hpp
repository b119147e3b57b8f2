// References that a task would be given to something that is gone when it first suspends.
#pragma once

#include <type_traits>

namespace cetane::detail {

/// Whether a parameter of type P, given a kept argument as A&&, is a reference to a temporary: to
/// what a conversion made.
///
/// `task<> f(const std::function<void()>&)` started with a lambda is one: the std::function is not
/// the lambda that is kept.
template <class P, class A>
inline constexpr bool refers_to_temporary =
    std::is_reference_v<P>&& std::is_convertible_v<A, P> &&
    !std::is_convertible_v<std::remove_reference_t<A>*, std::remove_reference_t<P>*> &&
    !std::is_convertible_v<A, std::remove_cvref_t<P>&>;

template <class... Ps>
struct parameters {
  /// Says so of any of the arguments; false when there are not as many, which is not the question
  /// here.
  template <class... As>
  static constexpr bool refer_to_temporary() {
    if constexpr (sizeof...(Ps) == sizeof...(As)) {
      return (false || ... || refers_to_temporary<Ps, As>);
    } else {
      return false;
    }
  }
};

/// The parameters of a function, of a function object or of a member function (its object first).
/// Those of a generic lambda and of an overloaded operator() are what is given.
template <class Fn, class = void>
struct parameters_of {
  using type = void;
};
template <class R, class... Ps>
struct parameters_of<R (*)(Ps...)> {
  using type = parameters<Ps...>;
};
template <class R, class... Ps>
struct parameters_of<R (*)(Ps...) noexcept> : parameters_of<R (*)(Ps...)> {};

// The object of a member function may come as a pointer of any kind, so it is not looked at.
struct any_object {};
template <class A>
inline constexpr bool refers_to_temporary<any_object, A> = false;

template <class Member>
struct member_parameters {
  using with_object = void;
  using alone = void;
};
template <class C, class R, class... Ps>
struct member_parameters<R (C::*)(Ps...)> {
  using with_object = parameters<any_object, Ps...>;
  using alone = parameters<Ps...>;
};
template <class C, class R, class... Ps>
struct member_parameters<R (C::*)(Ps...) const> : member_parameters<R (C::*)(Ps...)> {};
template <class C, class R, class... Ps>
struct member_parameters<R (C::*)(Ps...) noexcept> : member_parameters<R (C::*)(Ps...)> {};
template <class C, class R, class... Ps>
struct member_parameters<R (C::*)(Ps...) const noexcept> : member_parameters<R (C::*)(Ps...)> {};

template <class Fn>
struct parameters_of<Fn, std::enable_if_t<std::is_member_function_pointer_v<Fn>>> {
  using type = typename member_parameters<Fn>::with_object;
};
template <class Fn>
struct parameters_of<Fn, std::void_t<decltype(&Fn::operator())>> {
  using type = typename member_parameters<decltype(&Fn::operator())>::alone;
};

/// Whether Fn, called with arguments As&&, gets a reference to a temporary. Where that cannot be
/// known it is taken not to.
template <class Fn, class... As>
constexpr bool gets_temporary() {
  using expected = typename parameters_of<Fn>::type;
  if constexpr (std::is_void_v<expected>) {
    return false;
  } else {
    return expected::template refer_to_temporary<As...>();
  }
}

}  // namespace cetane::detail
